package org.sinkstream.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sinkstream.graph.ConfigFixture.read;
import static org.sinkstream.graph.ConfigFixture.with;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.graph.RopeConfig.Llama3Scaling;
import org.sinkstream.kernels.RotaryLayout;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/** What published configs say, and that today's spelling says the same. */
@ExtendWith(SkippedFactories.class)
class PublishedConfigsTest {
  private static Optional<RopeConfig> rope(int rotaryDim, double base) {
    return Optional.of(new RopeConfig(rotaryDim, base, Optional.empty()));
  }

  @Test
  void llama2() {
    assertThat(read(PublishedConfigs.LLAMA_2_7B))
        .isEqualTo(
            new LlamaConfig(
                "llama",
                32,
                4096,
                11008,
                32,
                32,
                128,
                32000,
                4096,
                1e-5,
                false,
                false,
                false,
                false,
                rope(128, 10_000),
                ConfigFixture.NO_SINKS));
  }

  @Test
  void llama3() {
    Llama3Scaling scaling = new Llama3Scaling(32, 1, 4, 8192);
    assertThat(read(PublishedConfigs.LLAMA_3_2_1B))
        .isEqualTo(
            new LlamaConfig(
                "llama",
                16,
                2048,
                8192,
                32,
                8,
                64,
                128256,
                131072,
                1e-5,
                true,
                false,
                false,
                false,
                Optional.of(new RopeConfig(64, 500_000, Optional.of(scaling))),
                ConfigFixture.NO_SINKS));
  }

  @Test
  void llamaBiases() {
    LlamaConfig attention =
        (LlamaConfig) read(with(PublishedConfigs.LLAMA_2_7B, "attention_bias", "true"));
    assertThat(attention.qkvBias()).isTrue();
    assertThat(attention.outputBias()).isTrue();
    assertThat(attention.mlpBias()).isFalse();
    LlamaConfig mlp = (LlamaConfig) read(with(PublishedConfigs.LLAMA_2_7B, "mlp_bias", "true"));
    assertThat(mlp.qkvBias()).isFalse();
    assertThat(mlp.mlpBias()).isTrue();
  }

  @Test
  void mistral() {
    LlamaConfig config = (LlamaConfig) read(PublishedConfigs.MISTRAL_7B_V03);
    assertThat(config.kvHeads()).isEqualTo(8);
    assertThat(config.qkvBias()).isFalse();
    assertThat(config.rope()).isEqualTo(rope(128, 1e6));
  }

  @Test
  void qwen2HasBiasesOnQueriesKeysAndValuesOnly() {
    LlamaConfig config = (LlamaConfig) read(PublishedConfigs.QWEN2_5_7B);
    assertThat(config.kvHeads()).isEqualTo(4);
    assertThat(config.qkvBias()).isTrue();
    assertThat(config.outputBias()).isFalse();
    assertThat(config.mlpBias()).isFalse();
  }

  @Test
  void mpt() {
    assertThat(read(PublishedConfigs.MPT_7B))
        .isEqualTo(
            new MptConfig(
                "mpt",
                32,
                4096,
                16384,
                32,
                32,
                128,
                50432,
                2048,
                1e-5,
                true,
                false,
                OptionalDouble.empty(),
                1 / Math.sqrt(128),
                8,
                ConfigFixture.NO_SINKS));
  }

  @Test
  void mptVariants() {
    String storywriter = with(PublishedConfigs.MPT_7B, "attn_config.clip_qkv", "6");
    MptConfig config = (MptConfig) read(with(storywriter, "attn_config.alibi_bias_max", "16"));
    assertThat(config.clipQkv()).hasValue(6);
    assertThat(config.alibiBiasMax()).isEqualTo(16);
    String grouped =
        with(PublishedConfigs.MPT_7B, "attn_config.attn_type", "\"grouped_query_attention\"");
    assertThat(read(with(grouped, "attn_config.kv_n_heads", "8")).kvHeads()).isEqualTo(8);
    String multiQuery =
        with(PublishedConfigs.MPT_7B, "attn_config.attn_type", "\"multiquery_attention\"");
    assertThat(read(multiQuery).kvHeads()).isEqualTo(1);
    MptConfig biased = (MptConfig) read(with(PublishedConfigs.MPT_7B, "no_bias", "false"));
    assertThat(biased.biased()).isTrue();
    assertThat(read(with(PublishedConfigs.MPT_7B, "attn_config.softmax_scale", "0.5")))
        .extracting(ModelConfig::softmaxScale)
        .isEqualTo(0.5);
    assertThat(read(with(PublishedConfigs.MPT_7B, "attn_config", "")))
        .isEqualTo(read(PublishedConfigs.MPT_7B));
  }

  @Test
  void falcon7b() {
    assertThat(read(PublishedConfigs.FALCON_7B))
        .isEqualTo(
            new FalconConfig(
                "falcon",
                32,
                4544,
                4 * 4544,
                71,
                1,
                64,
                65024,
                2048,
                1e-5,
                true,
                false,
                false,
                rope(64, 10_000),
                ConfigFixture.NO_SINKS));
  }

  @Test
  void falcon40bAnd180b() {
    FalconConfig config = (FalconConfig) read(PublishedConfigs.FALCON_40B);
    assertThat(config.kvHeads()).isEqualTo(8);
    assertThat(config.twoNorms()).isTrue();
    String larger = with(PublishedConfigs.FALCON_40B, "hidden_size", "14848");
    assertThat(read(with(larger, "num_attention_heads", "232")).headDim()).isEqualTo(64);
  }

  @Test
  void falcon11b() {
    FalconConfig config = (FalconConfig) read(PublishedConfigs.FALCON_11B);
    assertThat(config.kvHeads()).isEqualTo(8);
    assertThat(config.twoNorms()).isFalse();
    assertThat(config.tiedEmbeddings()).isFalse();
    assertThat(config.trainedContext()).isEqualTo(8192);
    assertThat(config.rope()).isEqualTo(rope(128, 5_000_042));
  }

  @Test
  void falconWithAKeyForEachHead() {
    assertThat(read(with(PublishedConfigs.FALCON_7B, "multi_query", "false")).kvHeads())
        .isEqualTo(71);
  }

  @Test
  void refinedWebIsFalcon() {
    assertThat(read(PublishedConfigs.REFINED_WEB_7B))
        .usingRecursiveComparison()
        .ignoringFields("architecture")
        .isEqualTo(read(PublishedConfigs.FALCON_7B));
    assertThat(read(PublishedConfigs.REFINED_WEB_40B))
        .usingRecursiveComparison()
        .ignoringFields("architecture")
        .isEqualTo(read(PublishedConfigs.FALCON_40B));
  }

  @Test
  void pythia() {
    assertThat(read(PublishedConfigs.PYTHIA_2_8B))
        .isEqualTo(
            new PythiaConfig(
                "gpt_neox",
                32,
                2560,
                10240,
                32,
                80,
                50304,
                2048,
                1e-5,
                false,
                true,
                true,
                Gelu.EXACT,
                rope(20, 10_000),
                ConfigFixture.NO_SINKS));
  }

  @Test
  void neox() {
    PythiaConfig config = (PythiaConfig) read(PublishedConfigs.NEOX_20B);
    assertThat(config.gelu()).isEqualTo(Gelu.TANH);
    assertThat(config.parallelResidual()).isTrue();
    assertThat(config.headDim()).isEqualTo(96);
    assertThat(config.rope()).isEqualTo(rope(24, 10_000));
  }

  @Test
  void todaysSpellingSaysTheSame() {
    assertThat(
            read(
                today(
                    PublishedConfigs.LLAMA_3_2_1B,
                    """
                    {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                     "original_max_position_embeddings": 8192, "rope_theta": 500000.0,
                     "rope_type": "llama3"}
                    """)))
        .isEqualTo(read(PublishedConfigs.LLAMA_3_2_1B));
    assertThat(
            read(
                today(
                    PublishedConfigs.FALCON_11B,
                    "{\"rope_theta\": 5000042.0, \"rope_type\": \"default\"}")))
        .isEqualTo(read(PublishedConfigs.FALCON_11B));
    assertThat(
            read(
                today(
                    PublishedConfigs.PYTHIA_2_8B,
                    """
                    {"partial_rotary_factor": 0.25, "rope_theta": 10000.0, "rope_type": "default"}
                    """)))
        .isEqualTo(read(PublishedConfigs.PYTHIA_2_8B));
  }

  @Test
  void bothSpellingsMayAgree() {
    String both =
        with(PublishedConfigs.PYTHIA_2_8B, "rope_parameters", "{\"rope_theta\": 10000.0}");
    assertThat(read(both)).isEqualTo(read(PublishedConfigs.PYTHIA_2_8B));
  }

  private static String today(String json, String ropeParameters) {
    String bare = json;
    for (String old :
        new String[] {"rope_theta", "rope_scaling", "rotary_pct", "rotary_emb_base"}) {
      bare = with(bare, old, "");
    }
    bare = with(with(bare, "dtype", "\"bfloat16\""), "torch_dtype", "");
    return with(bare, "rope_parameters", ropeParameters);
  }

  @Test
  void theEmbeddedModel() {
    ModelConfig config =
        ModelConfig.read(Config.read(SharedData.project("models/llama-mini/config.json")));
    assertThat(config.architecture()).isEqualTo("llama");
    assertThat(config.trainedContext()).isEqualTo(1024);
    assertThat(config.attentionShape(RotaryLayout.HALF_SPLIT).inverseFrequencies()).hasSize(32);
  }

  @TestFactory
  Stream<DynamicTest> goldenConfigs() throws IOException {
    return all("golden");
  }

  @TestFactory
  Stream<DynamicTest> trainedConfigs() throws IOException {
    return all("models");
  }

  private static Stream<DynamicTest> all(String folder) throws IOException {
    try (Stream<Path> models = Files.list(SharedData.require(folder))) {
      return models
          .map(model -> model.resolve("config.json"))
          .filter(Files::exists)
          .map(file -> DynamicTest.dynamicTest(file.toString(), () -> checkShared(file)))
          .toList()
          .stream();
    }
  }

  private static void checkShared(Path file) {
    ModelConfig config = ModelConfig.read(Config.read(file));
    assertThat(config.vocabulary()).isIn(320, 4096);
    assertThat(config.sinks().zeroLogits()).isEqualTo(file.toString().contains("zerosink"));
    assertThat(config.rope().isPresent()).isEqualTo(!file.toString().contains("mpt"));
  }
}
