package org.sinkstream.synthetic;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.checkpoint.TensorView;
import org.sinkstream.convert.Mixture;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Operations;

final class SyntheticModelTest {
  private final Device device = Device.openCpu(2);
  private final Arena arena = Arena.ofShared();
  @TempDir private Path directory;

  @AfterEach
  void close() {
    arena.close();
    device.close();
  }

  private Config config(String json) throws IOException {
    return Config.read(Files.writeString(directory.resolve("config.json"), json));
  }

  private Checkpoint create(String json, ElementType type, long seed) throws IOException {
    Mixture mixture = new Mixture(type, type, type, 2, false);
    return new SyntheticModel("small", config(json), mixture, seed).create(device, arena, true);
  }

  private static List<SyntheticTensor> tensors(String shape) {
    return new SyntheticTensors(ModelConfig.read(SyntheticModel.config(shape))).all();
  }

  /** As the models' authors and HF's {@code num_parameters()} count them. */
  @ParameterizedTest
  @CsvSource({
    "tinyllama-1.1b,  1100048384",
    "llama-2-7b,      6738415616",
    "llama-2-13b,    13015864320",
    "pythia-6.9b,     6857302016",
    "falcon-7b,       6921720704",
    "mpt-7b,          6649286656"
  })
  void shapesHaveAsManyParametersAsThePublishedModels(String shape, long parameters) {
    assertThat(tensors(shape).stream().mapToLong(each -> each.rows() * each.columns()).sum())
        .isEqualTo(parameters);
  }

  @ParameterizedTest
  @MethodSource
  void decodersTakeEveryTensorAndGiveFiniteLogits(String json, ElementType type)
      throws IOException {
    float[] logits = logits(create(json, type, 1), json);
    assertThat(logits).hasSize(300);
    for (float logit : logits) {
      assertThat(logit).isFinite();
    }
    assertThat(IntStream.range(0, 300).mapToDouble(i -> logits[i]).distinct().count())
        .isGreaterThan(200);
  }

  private static Stream<Arguments> decodersTakeEveryTensorAndGiveFiniteLogits() {
    return Stream.concat(
        SmallModels.CONFIGS.stream().map(json -> Arguments.of(json, ElementType.BF16)),
        Arrays.stream(ElementType.values())
            .map(type -> Arguments.of(SmallModels.CONFIGS.getFirst(), type)));
  }

  private float[] logits(Checkpoint checkpoint, String json) throws IOException {
    float[] logits = SmallModels.logits(device, arena, checkpoint);
    List<SyntheticTensor> all = new SyntheticTensors(ModelConfig.read(config(json))).all();
    assertThat(checkpoint.parameters())
        .as("parameters that the decoder took")
        .isEqualTo(all.stream().mapToLong(each -> each.rows() * each.columns()).sum());
    return logits;
  }

  @Test
  void aSeedRepeatsTheWeights() throws IOException {
    String json = SmallModels.CONFIGS.getFirst();
    float[] first = logits(create(json, ElementType.F32, 7), json);
    assertThat(logits(create(json, ElementType.F32, 7), json)).isEqualTo(first);
    assertThat(logits(create(json, ElementType.F32, 8), json)).isNotEqualTo(first);
  }

  @ParameterizedTest
  @EnumSource
  void matricesOfEveryTypeHaveVarianceOneOverColumns(ElementType type) throws IOException {
    Checkpoint checkpoint = create(SmallModels.CONFIGS.getFirst(), type, 1);
    TensorView down = checkpoint.tensor("model.layers.1.mlp.down_proj.weight", 256, 512);
    assertThat(down.type()).isEqualTo(type);
    float[] values = new Operations(device).widen(down.data(), type, 256 * 512);
    double mean = doubles(values).average().orElseThrow();
    double variance = doubles(values).map(x -> (x - mean) * (x - mean)).average().orElseThrow();
    assertThat(mean).isEqualTo(0, within(1e-3));
    assertThat(variance * 512).isEqualTo(1, within(0.03));
    TensorView norm = checkpoint.tensor("model.norm.weight", 256);
    assertThat(norm.type()).isEqualTo(ElementType.F32);
    assertThat(doubles(new Operations(device).widen(norm.data(), ElementType.F32, 256)))
        .containsOnly(1.0);
  }

  private static DoubleStream doubles(float... values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]);
  }

  @Test
  void differentTensorsHaveDifferentWeights() throws IOException {
    Checkpoint checkpoint = create(SmallModels.CONFIGS.getFirst(), ElementType.F32, 1);
    assertThat(
            checkpoint
                .tensor("model.layers.0.mlp.up_proj.weight", 512, 256)
                .data()
                .mismatch(
                    checkpoint.tensor("model.layers.0.mlp.gate_proj.weight", 512, 256).data()))
        .isNotNegative();
  }

  @Test
  void moreThanTheMachineHasIsRefusedBeforeItIsAllocated() {
    String huge =
        SmallModels.CONFIGS
            .getFirst()
            .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 20000")
            .replace("512", "16777216");
    long before = Device.allocatedBytes();
    assertThatThrownBy(() -> create(huge, ElementType.F32, 1))
        .isExactlyInstanceOf(DeviceMemoryException.class)
        .hasMessageMatching(
            "small: its weights take 1\\d{15} bytes and packed copies of them 0; \\d+ are available");
    assertThat(Device.allocatedBytes()).isEqualTo(before);
  }
}
