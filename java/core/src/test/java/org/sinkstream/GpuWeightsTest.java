package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.convert.Mixture;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.synthetic.SmallModels;
import org.sinkstream.synthetic.SyntheticModel;

/** What weights become on a GPU is known without one: stack by stack, to the byte. */
class GpuWeightsTest {
  private static final String LLAMA = SmallModels.CONFIGS.getFirst();
  private static final String TIED = LLAMA.replaceFirst("\\{", "{\"tie_word_embeddings\": true,");

  /**
   * Weights of an end, of QKV, and of all else that a layer has but for the MLP's second matrix.
   */
  private static final long END = 300 * 256;

  private static final long QKV = (256 + 2 * 64) * 256;
  private static final long REST = 256 * 256 + 2 * 512 * 256;
  private static final long DOWN = 256 * 512;

  @TempDir private Path directory;

  private final Device device = Device.openCpu(1);
  private final Arena arena = Arena.ofShared();

  @AfterEach
  void close() {
    arena.close();
    device.close();
  }

  private Checkpoint checkpoint(String json, Mixture mixture) throws IOException {
    Config config = Config.read(Files.writeString(directory.resolve("config.json"), json));
    return new SyntheticModel("small", config, mixture, 1).create(device, arena, false);
  }

  private GpuWeights weights(String json, Mixture mixture, boolean rounded) throws IOException {
    Checkpoint checkpoint = checkpoint(json, mixture);
    ModelConfig config = ModelConfig.read(checkpoint.config());
    return GpuWeights.of("small", checkpoint, config, device, rounded);
  }

  private GpuWeights weights(String json, WeightType type, boolean rounded) throws IOException {
    return weights(json, type.mixture(2, json.equals(TIED)), rounded);
  }

  @Test
  void aStackOfSeveralTypesIsHeldAsF16() throws IOException {
    GpuWeights found =
        weights(
            LLAMA,
            new Mixture(ElementType.Q4_0, ElementType.Q8_0, ElementType.Q6_K, 2, false),
            true);
    assertThat(found.changed()).containsExactly("q4_0 as f16", "q8_0 as f16");
    // The second layer matters more: its V and its MLP's second matrix are Q8_0.
    long small = END + QKV + 2 * REST + DOWN;
    assertThat(found.bytes())
        .isEqualTo(small / 32 * 18 + QKV * 2 + DOWN / 32 * 34 + END + END / 16 * 2);
  }

  @Test
  void whatCannotBeHeldAndWhatIsStackedWithIt() throws IOException {
    GpuWeights found = weights(LLAMA, WeightType.Q4_K, true);
    assertThat(found.changed()).containsExactly("q4_k as f16", "q6_k as f16");
    long wide = END + 2 * QKV + 2 * REST + DOWN;
    assertThat(found.bytes()).isEqualTo(wide * 2 + (DOWN + END) / 16 * 18);
  }

  @Test
  void aGateWhoseOtherHalfBeginsBetweenTilesIsHeldAsF16() throws IOException {
    String odd = LLAMA.replace("512", "510");
    for (WeightType type : new WeightType[] {WeightType.Q8_0, WeightType.F16}) {
      GpuWeights found = weights(odd, type, true);
      boolean quantised = type == WeightType.Q8_0;
      assertThat(found.changed()).isEqualTo(quantised ? Set.of("q8_0 as f16") : Set.of());
      long stays = 2 * END + 2 * (QKV + 256 * 256);
      long gates = 2 * (2 * 510 * 256 * 2);
      long down = 2 * 256 * 1024; // no whole number of blocks, f16 in the file
      assertThat(found.bytes()).isEqualTo((quantised ? stays / 32 * 34 : stays * 2) + gates + down);
    }
  }

  @Test
  void ofOneTypeAllStaysAsItIs() throws IOException {
    for (WeightType type : new WeightType[] {WeightType.F16, WeightType.BF16, WeightType.Q8_0}) {
      GpuWeights found = weights(LLAMA, type, true);
      assertThat(found.changed()).isEmpty();
      long all = 2 * END + 2 * (QKV + REST + DOWN);
      assertThat(found.bytes()).isEqualTo(type == WeightType.Q8_0 ? all / 32 * 34 : all * 2);
    }
  }

  @Test
  void aFloat32EmbeddingStaysSo() throws IOException {
    long layers = 2 * (QKV + REST + DOWN);
    GpuWeights rounded = weights(LLAMA, WeightType.F32, true);
    assertThat(rounded.changed()).containsExactly("f32 as f16");
    assertThat(weights(LLAMA, WeightType.F32, false).changed()).isEmpty();
    assertThat(rounded.bytes()).isEqualTo(END * 4 + (layers + END) * 2);
    assertThat(weights(TIED, WeightType.F32, true).bytes()).isEqualTo(rounded.bytes());
    assertThat(weights(TIED, WeightType.F32, false).bytes()).isEqualTo((END + layers) * 4);
    assertThat(weights(TIED, WeightType.BF16, true).bytes()).isEqualTo((END + layers) * 2);
  }

  @Test
  void whatIsAdvisedFits() throws IOException {
    GpuWeights large = weights(LLAMA, WeightType.F32, false);
    assertThat(large.advice(1L << 40)).startsWith("converted to f16 (").contains("q8_0", "q4_0");
    assertThat(large.advice(1L << 20)).isEqualTo("it would not fit in any type");
    for (WeightType type : new WeightType[] {WeightType.F16, WeightType.Q8_0, WeightType.Q4_0}) {
      long bytes = weights(LLAMA, type, true).bytes();
      assertThat(large.advice(bytes - 1 + GpuWeights.LOADING_BYTES))
          .doesNotContain(type.toString());
    }
  }

  @Test
  void aStepReadsAllButWhatIsLookedUp() throws IOException {
    Checkpoint apart = checkpoint(LLAMA, WeightType.F32.mixture(2, false));
    Checkpoint tied = checkpoint(TIED, WeightType.F32.mixture(2, true));
    for (Checkpoint checkpoint : new Checkpoint[] {apart, tied}) {
      ModelConfig config = ModelConfig.read(checkpoint.config());
      Network network = new Network(device, arena, checkpoint, config, true, bytes -> {});
      assertThat(network.stepBytes()).isEqualTo((2 * (QKV + REST + DOWN) + END) * 4);
    }
  }
}
