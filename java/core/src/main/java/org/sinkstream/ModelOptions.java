package org.sinkstream;

import java.util.OptionalInt;
import java.util.OptionalLong;
import org.sinkstream.kernels.Device;

/**
 * How a model is opened.
 *
 * @param device where it runs: {@code cpu}; {@code cuda}, the first NVIDIA GPU; or {@code cuda:N}
 * @param threads threads of the CPU that an operation uses, the caller's among them; 0 for the
 *     cores this process may use
 * @param kvType element type of cached keys and values
 * @param chunk most tokens that go through the layers together; longer input is cut. Every session
 *     holds activations and cache rows for so many
 * @param activations what linear layers may do with their input
 * @param repack whether weights are copied at load into the order in which the kernels read them;
 *     otherwise they stay where the file is mapped, and their kernels take float32 activations
 * @param sinkToken the token in front of every stream, whatever the model's config says of one;
 *     empty for what the config says in {@code sink_token_id}
 * @param memoryLimit most bytes that a session's cache may take; empty for what is available when
 *     the session starts: on a GPU of its memory, else where the system tells. A dense cache on a
 *     GPU needs memory beside it to grow, see {@link Session#reserve}
 */
public record ModelOptions(
    String device,
    int threads,
    KvType kvType,
    int chunk,
    Activations activations,
    boolean repack,
    OptionalInt sinkToken,
    OptionalLong memoryLimit) {
  /** Most threads that can be asked for. */
  public static final int MAX_THREADS = Device.MAX_THREADS;

  /** Largest chunk that can be asked for. */
  public static final int MAX_CHUNK = 1 << 16;

  /** Refuses counts out of range. */
  public ModelOptions {
    if (threads < 0 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads: %d; expected 1 to %d, or 0 for all cores".formatted(threads, MAX_THREADS));
    }
    if (chunk < 1 || chunk > MAX_CHUNK) {
      throw new IllegalArgumentException("chunk: %d; expected 1 to %d".formatted(chunk, MAX_CHUNK));
    }
    if (memoryLimit.orElse(0) < 0) {
      throw new IllegalArgumentException(
          "memory limit: %d bytes; expected 0 or more".formatted(memoryLimit.getAsLong()));
    }
  }

  /** The CPU, all cores, f16 keys and values, chunks of 256 tokens, the fastest kernels. */
  public static ModelOptions defaults() {
    return new ModelOptions(
        "cpu",
        0,
        KvType.F16,
        256,
        Activations.AUTO,
        true,
        OptionalInt.empty(),
        OptionalLong.empty());
  }

  /** Whether linear layers take weights in the kernels' own order, where there is one. */
  boolean packed() {
    return repack && activations == Activations.AUTO;
  }

  /** These options on another device. */
  public ModelOptions withDevice(String device) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with another number of threads. */
  public ModelOptions withThreads(int threads) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with another type of keys and values. */
  public ModelOptions withKvType(KvType kvType) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with another chunk. */
  public ModelOptions withChunk(int chunk) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with other activations. */
  public ModelOptions withActivations(Activations activations) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with weights copied at load, or not. */
  public ModelOptions withRepack(boolean repack) {
    return new ModelOptions(
        device, threads, kvType, chunk, activations, repack, sinkToken, memoryLimit);
  }

  /** These options with a token in front of every stream. */
  public ModelOptions withSinkToken(int sinkToken) {
    return new ModelOptions(
        device,
        threads,
        kvType,
        chunk,
        activations,
        repack,
        OptionalInt.of(sinkToken),
        memoryLimit);
  }

  /** These options with a limit to the bytes of a session's cache. */
  public ModelOptions withMemoryLimit(long memoryLimit) {
    return new ModelOptions(
        device,
        threads,
        kvType,
        chunk,
        activations,
        repack,
        sinkToken,
        OptionalLong.of(memoryLimit));
  }
}
