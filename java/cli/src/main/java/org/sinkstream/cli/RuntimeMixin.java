package org.sinkstream.cli;

import org.sinkstream.Activations;
import org.sinkstream.KvType;
import org.sinkstream.ModelOptions;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a model runs, whichever it is. */
final class RuntimeMixin {
  private static final ModelOptions DEFAULTS = ModelOptions.defaults();

  @Mixin private final ThreadsMixin threads = new ThreadsMixin();

  @Option(
      names = "--device",
      paramLabel = "NAME",
      description = "Where it runs: cpu (the default); cuda, an NVIDIA GPU, or cuda:N of several.")
  private String device = DEFAULTS.device();

  @Option(
      names = "--kv-type",
      paramLabel = "TYPE",
      description = "Type of cached keys and values: f16 (the default), bf16, f32 or q8_0.")
  private KvType kvType = DEFAULTS.kvType();

  @Option(
      names = "--activations",
      paramLabel = "TYPE",
      description =
          "What linear layers may do with their input: auto (the default) rounds or quantises it as"
              + " the weights want it; f32 keeps it exact.")
  private Activations activations = DEFAULTS.activations();

  @Option(
      names = "--no-repack",
      description =
          "Leave weights where the file is mapped, instead of copying them at load into the order"
              + " in which the kernels read them.")
  private boolean noRepack;

  @Option(
      names = "--chunk",
      paramLabel = "N",
      converter = WholeNumber.Chunk.class,
      description = "Tokens that go through the layers together (default: ${DEFAULT-VALUE}).")
  private long chunk = DEFAULTS.chunk();

  @Mixin private final StreamMixin stream = new StreamMixin();

  /** How a model is opened. */
  ModelOptions options() {
    return stream.addTo(
        DEFAULTS
            .withDevice(device)
            .withThreads(threads.count())
            .withKvType(kvType)
            .withChunk(Math.toIntExact(chunk))
            .withActivations(activations)
            .withRepack(!noRepack));
  }

  /** What linear layers may do with their input, as it is written. */
  String activations() {
    return activations.toString();
  }

  /** Tokens that go through the layers together. */
  int chunk() {
    return Math.toIntExact(chunk);
  }
}
