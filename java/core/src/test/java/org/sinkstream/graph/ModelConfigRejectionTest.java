package org.sinkstream.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.sinkstream.graph.ConfigFixture.assertRefused;
import static org.sinkstream.graph.ConfigFixture.read;
import static org.sinkstream.graph.ConfigFixture.with;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.json.JsonMapper;

/** What must be refused in a config, each by the name of the field and its value. */
class ModelConfigRejectionTest {
  private static final String LLAMA = PublishedConfigs.LLAMA_2_7B;
  private static final String MISTRAL = PublishedConfigs.MISTRAL_7B_V03;
  private static final String QWEN2 = PublishedConfigs.QWEN2_5_7B;
  private static final String MPT = PublishedConfigs.MPT_7B;
  private static final String FALCON = PublishedConfigs.FALCON_7B;
  private static final String FALCON_40B = PublishedConfigs.FALCON_40B;
  private static final String PYTHIA = PublishedConfigs.PYTHIA_2_8B;

  static final List<String> ALL =
      List.of(
          LLAMA,
          PublishedConfigs.LLAMA_3_2_1B,
          MISTRAL,
          QWEN2,
          MPT,
          FALCON,
          PublishedConfigs.REFINED_WEB_7B,
          FALCON_40B,
          PublishedConfigs.FALCON_11B,
          PYTHIA,
          PublishedConfigs.NEOX_20B);

  private static void refused(String json, String field, String value, String message) {
    assertRefused(with(json, field, value)).hasMessageContaining(message);
  }

  @Test
  void unknownModelType() {
    refused(
        LLAMA,
        "model_type",
        "\"gpt2\"",
        "model_type is \"gpt2\"; expected one of RefinedWeb, RefinedWebModel, falcon, gpt_neox,"
            + " llama, mistral, mpt, qwen2");
    refused(LLAMA, "model_type", "", "model_type is missing");
    refused(LLAMA, "model_type", "7", "model_type is 7; expected a string");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "hidden_size",
        "intermediate_size",
        "num_attention_heads",
        "num_hidden_layers",
        "vocab_size",
        "max_position_embeddings"
      })
  void sizes(String field) {
    for (String json : List.of(LLAMA, MISTRAL, QWEN2, PYTHIA)) {
      refused(json, field, "", field + " is missing; expected a whole number from 1 to");
      for (String bad :
          List.of("0", "-1", "1.5", "\"8\"", "true", "[8]", "{}", "16777217", "4294967304")) {
        refused(json, field, bad, "%s is %s; expected a whole number from 1".formatted(field, bad));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"d_model", "n_heads", "n_layers", "max_seq_len", "vocab_size"})
  void sizesOfMpt(String field) {
    refused(MPT, field, "", field + " is missing; expected a whole number from 1 to");
    refused(MPT, field, "0", field + " is 0; expected a whole number from 1 to");
  }

  @ParameterizedTest
  @ValueSource(strings = {"hidden_size", "num_attention_heads", "num_hidden_layers", "vocab_size"})
  void sizesOfFalcon(String field) {
    refused(FALCON, field, "", field + " is missing; expected a whole number from 1 to");
    refused(FALCON, field, "-3", field + " is -3; expected a whole number from 1 to");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1e-5", "1e999", "\"1e-5\"", "true", "[]", "1e-999"})
  void epsilons(String bad) {
    for (var model :
        List.of(
            List.of(LLAMA, "rms_norm_eps"),
            List.of(MPT, "layer_norm_epsilon"),
            List.of(FALCON, "layer_norm_epsilon"),
            List.of(PYTHIA, "layer_norm_eps"))) {
      String field = model.getLast();
      refused(model.getFirst(), field, bad, field + " is ");
      refused(model.getFirst(), field, bad, "expected a finite number above 0");
    }
  }

  @Test
  void epsilonsLeftOut() {
    refused(LLAMA, "rms_norm_eps", "", "rms_norm_eps is missing; expected a finite number above 0");
    refused(FALCON, "layer_norm_epsilon", "", "layer_norm_epsilon is missing");
    refused(PYTHIA, "layer_norm_eps", "", "layer_norm_eps is missing");
  }

  @Test
  void notANumberIsNoJson() {
    assertRefused(LLAMA.replace("1e-05", "NaN")).hasMessageContaining("not valid JSON");
    assertRefused(LLAMA.replace("1e-05", "Infinity")).hasMessageContaining("not valid JSON");
  }

  @Test
  void headsThatDoNotDivide() {
    String expected = "num_attention_heads is 33; expected a divisor of hidden_size (4096)";
    refused(LLAMA, "num_attention_heads", "33", expected);
    refused(MPT, "n_heads", "33", "n_heads is 33; expected a divisor of d_model (4096)");
    refused(FALCON, "num_attention_heads", "70", "num_attention_heads is 70; expected a divisor");
    refused(PYTHIA, "num_attention_heads", "7", "num_attention_heads is 7; expected a divisor");
  }

  @Test
  void kvHeadsZeroOrNotDividing() {
    refused(LLAMA, "num_key_value_heads", "0", "num_key_value_heads is 0; expected a whole number");
    refused(
        LLAMA,
        "num_key_value_heads",
        "5",
        "num_key_value_heads is 5; expected a divisor of the number of attention heads (32)");
    refused(LLAMA, "num_key_value_heads", "64", "num_key_value_heads is 64; expected a divisor");
    refused(MISTRAL, "num_key_value_heads", "", "num_key_value_heads is missing");
    refused(FALCON_40B, "num_kv_heads", "0", "num_kv_heads is 0; expected a whole number");
    refused(FALCON_40B, "num_kv_heads", "3", "num_kv_heads is 3; expected a divisor");
    String grouped = with(MPT, "attn_config.attn_type", "\"grouped_query_attention\"");
    refused(grouped, "attn_config.kv_n_heads", "", "attn_config.kv_n_heads is missing");
    refused(grouped, "attn_config.kv_n_heads", "5", "attn_config.kv_n_heads is 5; expected a div");
    refused(MPT, "attn_config.kv_n_heads", "8", "attn_config.kv_n_heads is 8; expected 32");
  }

  @ParameterizedTest
  @CsvSource({"4, 4", "12, 12", "260, 260", "264, 264", "512, 512"})
  void headsThatTheKernelsDoNotTake(String headDim, int channels) {
    refused(
        LLAMA,
        "head_dim",
        headDim,
        "heads have %d channels; expected a multiple of 8, at most 256".formatted(channels));
  }

  @Test
  void widthsThatOverflow() {
    String many = with(LLAMA, "num_attention_heads", "16777216");
    many = with(with(many, "num_key_value_heads", "16777216"), "head_dim", "256");
    assertRefused(many)
        .hasMessageContaining("query, key and value heads have 12884901888 channels");
    refused(MPT, "expansion_ratio", "16777216", "expansion_ratio: 16777216 * 4096; expected at");
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1e999", "\"10000\"", "true"})
  void ropeBases(String bad) {
    refused(LLAMA, "rope_theta", bad, "rope_theta is ");
    refused(PYTHIA, "rotary_emb_base", bad, "rotary_emb_base is ");
    refused(
        LLAMA, "rope_parameters", "{\"rope_theta\":" + bad + "}", "rope_parameters.rope_theta is ");
  }

  @Test
  void rotatedChannels() {
    refused(
        PYTHIA, "rotary_pct", "0.0375", "3 of 80 channels of a head are rotated; expected an even");
    refused(
        PYTHIA, "rotary_pct", "1.25", "100 of 80 channels of a head are rotated; expected an even");
    refused(
        PYTHIA, "rotary_pct", "0.01", "0 of 80 channels of a head are rotated; expected an even");
    refused(PYTHIA, "rotary_pct", "1e308", "channels of a head are rotated; expected an even");
    refused(PYTHIA, "rotary_pct", "0", "rotary_pct is 0; expected a finite number above 0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "dynamic", "yarn", "longrope", "su", "mrope", "proportional"})
  void ropeScalingsThatAreNotImplemented(String type) {
    String expected = "is \"%s\"; expected default or llama3".formatted(type);
    for (String json : List.of(LLAMA, MISTRAL, QWEN2, FALCON, PYTHIA)) {
      String scaling = "{\"factor\":2.0,\"%s\":\"" + type + "\"}";
      refused(json, "rope_scaling", scaling.formatted("type"), "rope_scaling.type " + expected);
      refused(
          json,
          "rope_scaling",
          scaling.formatted("rope_type"),
          "rope_scaling.rope_type " + expected);
      refused(
          json,
          "rope_parameters",
          scaling.formatted("rope_type"),
          "rope_parameters.rope_type " + expected);
    }
  }

  @Test
  void ropeScalingWithoutAType() {
    refused(LLAMA, "rope_scaling", "{\"factor\":2.0}", "unknown", "rope_scaling.factor");
  }

  private static void refused(
      String json, String field, String value, String message, String moreOfIt) {
    assertRefused(with(json, field, value)).hasMessageContainingAll(message, moreOfIt);
  }

  @Test
  void llama3ScalingThatMakesNoSense() {
    String json = PublishedConfigs.LLAMA_3_2_1B;
    for (String field : List.of("factor", "low_freq_factor", "high_freq_factor")) {
      refused(json, "rope_scaling." + field, "", "rope_scaling." + field + " is missing");
      refused(json, "rope_scaling." + field, "0", "rope_scaling." + field + " is 0");
    }
    String context = "rope_scaling.original_max_position_embeddings";
    refused(json, context, "", context + " is missing");
    refused(json, context, "8192.5", context + " is 8192.5");
    refused(
        json,
        "rope_scaling.high_freq_factor",
        "1.0",
        "rope_scaling.high_freq_factor is 1.0; expected more than low_freq_factor (1.0)");
  }

  @Test
  void ropeSpellingsThatContradict() {
    refused(
        PYTHIA,
        "rope_parameters",
        "{\"rope_theta\":500000.0}",
        "rope_parameters.rope_theta is 500000.0; expected 10000.0, as elsewhere in this file");
    refused(
        PYTHIA,
        "rope_parameters",
        "{\"partial_rotary_factor\":1.0}",
        "rope_parameters.partial_rotary_factor is 1.0; expected 0.25");
    refused(
        PublishedConfigs.LLAMA_3_2_1B,
        "rope_parameters",
        "{\"rope_type\":\"default\"}",
        "expected the same scaling as rope_parameters");
    refused(PYTHIA, "rope_theta", "20000", "rotary_emb_base is 10000; expected 20000");
  }

  @Test
  void spellingsThatContradict() {
    refused(FALCON, "n_head", "72", "n_head is 72; expected 71, which num_attention_heads says");
    refused(FALCON, "n_layer", "31", "n_layer is 31; expected 32, which num_hidden_layers says");
    assertThat(read(with(FALCON, "n_head", "71")).heads()).isEqualTo(71);
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void unknownFields(String json) {
    refused(json, "qk_norm", "true", "unknown, and therefore refused: \"qk_norm\"");
    refused(json, "quantization_config", "{\"bits\":4}", "refused: \"quantization_config\"");
    String two = with(json, "zeta", "0");
    refused(two, "attn_logit_softcapping", "50.0", "\"attn_logit_softcapping\", \"zeta\"");
  }

  @ParameterizedTest
  @FieldSource("ALL")
  void fieldsThatSayNothing(String json) {
    ModelConfig plain = read(json);
    for (String nothing : List.of("null", "{}", "[]")) {
      assertThat(read(with(json, "pruned_heads", nothing))).isEqualTo(plain);
    }
  }

  @Test
  void unknownFieldsInObjects() {
    refused(MPT, "attn_config.kv_dim", "7", "refused: \"attn_config.kv_dim\"");
    refused(MPT, "ffn_config.ffn_hidden_size", "7", "refused: \"ffn_config.ffn_hidden_size\"");
    refused(LLAMA, "rope_scaling", "{\"beta_fast\":32}", "refused: \"rope_scaling.beta_fast\"");
    refused(LLAMA, "rope_parameters", "{\"x\":1}", "refused: \"rope_parameters.x\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hidden_act|\"gelu\"|expected \"silu\"",
        "hidden_act|1|expected \"silu\"",
        "attention_bias|1|expected true or false",
        "tie_word_embeddings|\"no\"|expected true or false",
        "rope_interleaved|true|expected false",
        "is_encoder_decoder|true|expected false",
        "add_cross_attention|true|expected false",
      })
  void llamaValues(String field, String value, String message) {
    refused(LLAMA, field, value, "%s is %s; %s".formatted(field, value, message));
  }

  @Test
  void biasesThatMistralAndQwen2DoNotHave() {
    refused(MISTRAL, "attention_bias", "true", "refused: \"attention_bias\"");
    refused(QWEN2, "attention_bias", "false", "refused: \"attention_bias\"");
    refused(MISTRAL, "mlp_bias", "true", "refused: \"mlp_bias\"");
  }

  @Test
  void slidingWindows() {
    refused(
        MISTRAL,
        "sliding_window",
        "4096",
        "sliding_window is 4096; expected null or at least max_position_embeddings (32768): here"
            + " the cache policy sets the window");
    refused(MISTRAL, "sliding_window", "0", "sliding_window is 0; expected a whole number");
    assertThat(read(with(MISTRAL, "sliding_window", "32768"))).isEqualTo(read(MISTRAL));
    refused(QWEN2, "use_sliding_window", "true", "use_sliding_window is true; expected false");
    refused(
        QWEN2,
        "layer_types",
        "[\"full_attention\",\"sliding_attention\"]",
        "layer_types is [\"full_attention\",\"sliding_attention\"]; expected nothing but");
    refused(QWEN2, "use_mrope", "true", "use_mrope is true; expected false");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "attn_config.alibi|false|expected true",
        "attn_config.rope|true|expected false",
        "attn_config.prefix_lm|true|expected false",
        "attn_config.qk_ln|true|expected false",
        "attn_config.qk_gn|true|expected false",
        "attn_config.attn_uses_sequence_id|true|expected false",
        "attn_config.sliding_window_size|128|expected -1",
        "attn_config.attn_type|\"sparse\"|expected multihead_attention, multiquery_attention or",
        "attn_config.clip_qkv|0|expected a finite number above 0",
        "attn_config.clip_qkv|-6|expected a finite number above 0",
        "attn_config.softmax_scale|0|expected a finite number above 0",
        "attn_config.alibi_bias_max|0|expected a finite number above 0",
        "attn_config|7|expected an object",
        "norm_type|\"rmsnorm\"|expected \"low_precision_layernorm\" or \"layernorm\"",
        "no_bias|\"true\"|expected true or false",
        "expansion_ratio|0|expected a whole number",
        "ffn_config.ffn_type|\"mptgeglu\"|expected \"mptmlp\"",
        "fc_type|\"te\"|expected \"torch\"",
      })
  void mptValues(String field, String value, String message) {
    refused(MPT, field, value, "%s is %s; %s".formatted(field, value, message));
  }

  @Test
  void mptLogitScale() {
    refused(MPT, "logit_scale", "0.5", "refused: \"logit_scale\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "alibi|true|expected false",
        "parallel_attn|false|expected true",
        "apply_residual_connection_post_layernorm|true|expected false",
        "activation|\"relu\"|expected \"gelu\"",
        "num_ln_in_parallel_attn|2|expected 1 in the first architecture",
        "num_ln_in_parallel_attn|0|expected a whole number",
        "bias|0|expected true or false",
        "ffn_hidden_size|0|expected a whole number",
      })
  void falconValues(String field, String value, String message) {
    refused(FALCON, field, value, "%s is %s; %s".formatted(field, value, message));
  }

  @Test
  void falconFieldsThatContradict() {
    refused(
        FALCON_40B, "num_ln_in_parallel_attn", "3", "num_ln_in_parallel_attn is 3; expected 1 or");
    refused(
        PublishedConfigs.FALCON_11B, "ff_factor", "3", "ffn_hidden_size is 16384; expected 12288");
    String each = with(FALCON, "multi_query", "false");
    refused(each, "num_kv_heads", "8", "num_kv_heads is 8; expected 71");
  }

  @Test
  void pythiaValues() {
    refused(
        PYTHIA, "hidden_act", "\"relu\"", "hidden_act is \"relu\"; expected gelu, gelu_new, gelu_");
    refused(PYTHIA, "use_parallel_residual", "1", "use_parallel_residual is 1; expected true or");
    refused(PYTHIA, "zero_sink", "1", "zero_sink is 1; expected true or false");
    assertThat(read(with(PYTHIA, "zero_sink", "true")).sinks().zeroLogits()).isTrue();
  }

  @Test
  void everyFamilyMayHaveASinkToken() {
    for (String family : List.of(LLAMA, MPT, FALCON, PYTHIA)) {
      assertThat(read(with(family, "sink_token_id", "3")).sinks().token()).hasValue(3);
      assertThat(read(with(family, "sink_token_id", "null")).sinks().token()).isEmpty();
      assertThat(read(with(family, "zero_sink", "true")).sinks().zeroLogits()).isTrue();
      for (String id : List.of("-1", "3000000", "1.5", "\"a\"", "[3, 4]")) {
        refused(family, "sink_token_id", id, "sink_token_id is ");
      }
    }
  }

  /** Whatever stands in a field: the config is read or refused, and nothing else happens. */
  @ParameterizedTest
  @FieldSource("ALL")
  void noValueOfAnyFieldLeadsToAnythingElse(String json) {
    for (String field : JsonMapper.shared().readTree(json).propertyNames()) {
      for (String value :
          List.of(
              "null",
              "true",
              "\"\"",
              "0",
              "-1",
              "16777216",
              "2147483648",
              "1e999",
              "1e-999",
              "9".repeat(99),
              "0.1",
              "[]",
              "{}",
              "[[]]",
              "{\"a\":{}}",
              "\"\\ud800\"")) {
        try {
          read(with(json, field, value));
        } catch (CheckpointException refused) {
          assertThat(refused.getMessage()).contains("config.json: ").hasLineCount(1);
        } catch (RuntimeException other) {
          fail("%s = %s".formatted(field, value), other);
        }
      }
    }
  }
}
