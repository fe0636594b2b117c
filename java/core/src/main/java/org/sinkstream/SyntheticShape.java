package org.sinkstream;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.convert.Mixture;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.kernels.Device;
import org.sinkstream.synthetic.SyntheticModel;

/** Published models whose shape a model of random weights can have: {@link Model#synthetic}. */
public enum SyntheticShape {
  /** 22 layers of 2,048; 4 key and value heads for 32 query heads. */
  TINYLLAMA_1_1B("tinyllama-1.1b"),
  /** 32 layers of 4,096. */
  LLAMA_2_7B("llama-2-7b"),
  /** 40 layers of 5,120. */
  LLAMA_2_13B("llama-2-13b"),
  /** 32 layers of 4,096, a quarter of each head rotated, biases. */
  PYTHIA_6_9B("pythia-6.9b"),
  /** 32 layers of 4,544; one key and value head for 71 query heads. */
  FALCON_7B("falcon-7b"),
  /** 32 layers of 4,096, ALiBi. */
  MPT_7B("mpt-7b");

  private final String title;

  SyntheticShape(String title) {
    this.title = title;
  }

  /**
   * The shape of that name.
   *
   * @param name such as {@code tinyllama-1.1b}
   * @throws IllegalArgumentException for any other name
   */
  public static SyntheticShape parse(String name) {
    return Arrays.stream(values())
        .filter(shape -> shape.title.equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "shape '%s'; expected one of %s"
                    .formatted(
                        name,
                        Arrays.stream(values())
                            .map(SyntheticShape::toString)
                            .collect(Collectors.joining(", ")))));
  }

  /**
   * A checkpoint of this shape, always of the same numbers.
   *
   * @param packed whether a model is about to be loaded that packs its weights
   */
  Checkpoint checkpoint(WeightType type, Device device, Arena arena, boolean packed) {
    Config config = SyntheticModel.config(title);
    ModelConfig model = ModelConfig.read(config);
    Mixture mixture = type.mixture(model.layers(), model.tiedEmbeddings());
    return new SyntheticModel(title, config, mixture, 1).create(device, arena, packed);
  }

  /** The name, such as {@code tinyllama-1.1b}. */
  @Override
  public String toString() {
    return title;
  }
}
