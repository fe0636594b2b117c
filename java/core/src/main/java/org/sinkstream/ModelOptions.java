package org.sinkstream;

/**
 * How a model is opened.
 *
 * @param device where it runs: {@code cpu}
 * @param threads threads an operation uses, the caller's among them; 0 for the cores this process
 *     may use
 * @param kvType element type of cached keys and values
 * @param chunk most tokens that go through the layers together; longer input is cut. Every session
 *     holds activations and cache rows for so many
 * @param activations what linear layers may do with their input
 * @param repack whether weights are copied at load into the order in which the kernels read them;
 *     otherwise they stay where the file is mapped, and their kernels take float32 activations
 */
public record ModelOptions(
    String device, int threads, KvType kvType, int chunk, Activations activations, boolean repack) {
  /** Most threads that can be asked for. */
  public static final int MAX_THREADS = 1024;

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
  }

  /** The CPU, all cores, f16 keys and values, chunks of 256 tokens, the fastest kernels. */
  public static ModelOptions defaults() {
    return new ModelOptions("cpu", 0, KvType.F16, 256, Activations.AUTO, true);
  }

  /** Whether linear layers take weights in the kernels' own order, where there is one. */
  boolean packed() {
    return repack && activations == Activations.AUTO;
  }

  /** These options on another device. */
  public ModelOptions withDevice(String device) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }

  /** These options with another number of threads. */
  public ModelOptions withThreads(int threads) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }

  /** These options with another type of keys and values. */
  public ModelOptions withKvType(KvType kvType) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }

  /** These options with another chunk. */
  public ModelOptions withChunk(int chunk) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }

  /** These options with other activations. */
  public ModelOptions withActivations(Activations activations) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }

  /** These options with weights copied at load, or not. */
  public ModelOptions withRepack(boolean repack) {
    return new ModelOptions(device, threads, kvType, chunk, activations, repack);
  }
}
