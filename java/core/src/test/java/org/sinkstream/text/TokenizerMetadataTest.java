package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.SharedData;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** From a tokenizer.json to the keys of a GGUF file, and back to a tokenizer. */
class TokenizerMetadataTest {
  private static final Path LLAMA_MINI =
      SharedData.project("models/llama-mini").resolve("tokenizer.json");

  @TempDir Path folder;

  @Test
  void writesSentencePiece() {
    Map<String, Object> metadata =
        TokenizerMetadata.of(LLAMA_MINI, 4100, OptionalInt.of(1), List.of(2, 3));
    assertThat(metadata)
        .containsEntry("tokenizer.ggml.model", "llama")
        .containsEntry("tokenizer.ggml.pre", "default")
        .containsEntry("tokenizer.ggml.bos_token_id", 1)
        .containsEntry("tokenizer.ggml.eos_token_id", 2)
        .containsEntry("tokenizer.ggml.eot_token_id", 3)
        .containsEntry("tokenizer.ggml.unknown_token_id", 0)
        .containsEntry("tokenizer.ggml.add_bos_token", true)
        .containsEntry("tokenizer.ggml.add_eos_token", false)
        .containsEntry("tokenizer.ggml.add_space_prefix", true)
        .doesNotContainKey("tokenizer.ggml.merges");
    assertThat(strings(metadata, "tokens"))
        .hasSize(4100)
        .startsWith("<unk>", "<s>", "</s>", "<sink>", "<0x00>")
        .endsWith("[PAD4099]");
    assertThat((int[]) metadata.get("tokenizer.ggml.token_type"))
        .hasSize(4100)
        .startsWith(2, 3, 3, 3, 6, 6)
        .endsWith(1, 5, 5, 5, 5);
    float[] scores = (float[]) metadata.get("tokenizer.ggml.scores");
    assertThat(scores).hasSize(4100).startsWith(0, 0, 0, 0, 0);
    // The first merges of its tokenizer.json.
    assertThat(scores[strings(metadata, "tokens").indexOf("▁t")]).isEqualTo(-1);
    assertThat(scores[strings(metadata, "tokens").indexOf("he")]).isEqualTo(-2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[[\"a\", \"b\"], [\"ab\", \"c\"]]", "[\"a b\", \"ab c\"]"})
  void writesByteLevel(String merges) throws IOException {
    String json =
        TokenizerFiles.byteLevel()
            .replace("\"merges\": []", "\"merges\": " + merges)
            .replace("\"vocab\": {", "\"vocab\": {\"ab\": 257, \"abc\": 258,");
    Map<String, Object> metadata = of(json, 259);
    assertThat(metadata)
        .containsEntry("tokenizer.ggml.model", "gpt2")
        .containsEntry("tokenizer.ggml.pre", "gpt-2")
        .containsEntry("tokenizer.ggml.merges", List.of("a b", "ab c"))
        .containsEntry("tokenizer.ggml.add_bos_token", false)
        .doesNotContainKeys(
            "tokenizer.ggml.scores",
            "tokenizer.ggml.bos_token_id",
            "tokenizer.ggml.eos_token_id",
            "tokenizer.ggml.unknown_token_id");
    assertThat(strings(metadata, "tokens")).hasSize(259).endsWith("<end>", "ab", "abc");
    assertThat((int[]) metadata.get("tokenizer.ggml.token_type")).endsWith(1, 3, 1, 1);
  }

  @Test
  void keepsTheEmbeddedModelsTokenizer() throws IOException {
    keeps(LLAMA_MINI);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "models/mpt-mini",
        "models/falcon-mini",
        "models/pythia-mini",
        "models/pythia-sinktoken-mini",
        "tokenizers/falcon",
        "tokenizers/pythia",
      })
  void keepsTheTokenizerOf(String model) throws IOException {
    keeps(SharedData.require(model).resolve("tokenizer.json"));
  }

  @Test
  void keepsTheTokenizerOfLlama2() throws IOException {
    String json =
        Files.readString(SharedData.require("tokenizers/llama2").resolve("tokenizer.json"));
    keeps(
        Files.writeString(
            folder.resolve("tokenizer.json"), TokenizerFiles.findingSpecialAnywhere(json)));
  }

  @ParameterizedTest
  @CsvSource({"falcon, falcon", "pythia, mpt", "llama2, default"})
  void namesThePreTokenizer(String model, String pre) {
    Path file = SharedData.require("tokenizers/" + model).resolve("tokenizer.json");
    assertThat(TokenizerMetadata.of(file, 70_000, OptionalInt.empty(), List.of()))
        .containsEntry("tokenizer.ggml.pre", pre);
  }

  @Test
  void understandsMetaspace() throws IOException {
    String json = Files.readString(LLAMA_MINI);
    String normalizer = JsonMapper.shared().readTree(json).path("normalizer").toString();
    String compact = JsonMapper.shared().readTree(json).toString();
    for (String scheme : List.of("always", "first", "never")) {
      ObjectNode metaspace =
          JsonNodeFactory.instance
              .objectNode()
              .put("type", "Metaspace")
              .put("replacement", "▁")
              .put("prepend_scheme", scheme)
              .put("split", false);
      String changed =
          compact
              .replace("\"normalizer\":" + normalizer, "\"normalizer\":null")
              .replace("\"pre_tokenizer\":null", "\"pre_tokenizer\":" + metaspace);
      if (scheme.equals("never")) {
        changed =
            changed.replace(",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}", "");
      }
      assertThat(of(changed, 4096))
          .containsEntry("tokenizer.ggml.add_space_prefix", !scheme.equals("never"));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"use_regex\": true | \"use_regex\": false |"
            + " pre_tokenizer {\"type\":\"ByteLevel\",\"add_prefix_space\":false,",
        "\"use_regex\": true | \"use_regex\": false | supported are those of gpt-2, mpt, olmo, falcon,",
        "\"model\": { | \"normalizer\": {\"type\": \"NFKC\"}, \"model\": { | normalizer {\"type\":\"NFKC\"}",
        "\"merges\": [] | \"merges\": [], \"ignore_merges\": true | ignore_merges true",
        "\"merges\": [] | \"merges\": [], \"dropout\": 0.5 | model.dropout is 0.5; expected null",
        "\"lstrip\": false | \"lstrip\": true | added token \"<end>\" has lstrip; expected false",
        "\"merges\": [] | \"merges\": [], \"byte_fallback\": true | supported are SentencePiece's space marks",
        "\"model\": { | \"post_processor\": {\"type\": \"BertProcessing\", \"sep\": [\"<end>\", 256], \"cls\": [\"<end>\", 256]}, \"model\": { | post_processor {\"type\":\"BertProcessing\"",
      })
  void refusesWhatAGgufFileCannotSay(String part, String instead, String message) {
    String json = TokenizerFiles.byteLevel();
    assertThat(json).contains(part);
    assertThatThrownBy(() -> of(json.replace(part, instead), 257))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(
            folder.resolve("tokenizer.json") + ": cannot be written to a GGUF file: ")
        .hasMessageContaining(message);
  }

  /** A token that no merge leads to: SentencePiece would find it all the same. */
  @Test
  void refusesAVocabularyThatScoresReadOtherwise() throws IOException {
    String json = Files.readString(LLAMA_MINI);
    String merge = "[\"▁\",\"t\"],";
    String compact = JsonMapper.shared().readTree(json).toString();
    assertThat(compact).contains(merge);
    assertThatThrownBy(() -> of(compact.replace(merge, ""), 4096))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("read back, it would encode the text of its own tokens otherwise: [");
  }

  @Test
  void refusesADecoderThatReadsOtherwise() throws IOException {
    String compact = JsonMapper.shared().readTree(Files.readString(LLAMA_MINI)).toString();
    String strip = ",{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}";
    assertThat(compact).contains(strip);
    assertThatThrownBy(() -> of(compact.replace(strip, ""), 4096))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "read back, it would decode its own tokens otherwise; its decoder is");
  }

  @Test
  void refusesIdsThatDoNotGoTogether() {
    refusesIds(
        4095, OptionalInt.empty(), List.of(), "4096 tokens, but the model's vocabulary has 4095");
    refusesIds(
        4096,
        OptionalInt.of(2),
        List.of(),
        "texts begin with token 1, but the model's config names 2");
    refusesIds(
        4096, OptionalInt.of(1), List.of(2, 3, 0, 5), "4 tokens end a text; expected at most 3");
    refusesIds(
        4096,
        OptionalInt.of(1),
        List.of(4096),
        "tokenizer.ggml.eos_token_id is 4096; expected 0 to 4095");
    refusesIds(
        4096,
        OptionalInt.of(1),
        List.of(-1),
        "tokenizer.ggml.eos_token_id is -1; expected 0 to 4095");
  }

  private static void refusesIds(
      int vocabulary, OptionalInt bos, List<Integer> endOfText, String message) {
    assertThatThrownBy(() -> TokenizerMetadata.of(LLAMA_MINI, vocabulary, bos, endOfText))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(LLAMA_MINI + ": cannot be written to a GGUF file: " + message);
  }

  private SequencedMap<String, Object> of(String json, int vocabulary) throws IOException {
    Path file = Files.writeString(folder.resolve("tokenizer.json"), json);
    return TokenizerMetadata.of(file, vocabulary, OptionalInt.empty(), List.of());
  }

  @SuppressWarnings("unchecked")
  private static List<String> strings(Map<String, Object> metadata, String key) {
    return (List<String>) metadata.get("tokenizer.ggml." + key);
  }

  private void keeps(Path file) throws IOException {
    try (Tokenizer expected = Tokenizer.open(file)) {
      Map<String, Object> metadata =
          TokenizerMetadata.of(file, expected.size() + 11, OptionalInt.empty(), List.of());
      try (Tokenizer actual = GgufVocabularies.open(new GgufBuilder().values(metadata), folder)) {
        SameTokens.check(actual, expected);
      }
    }
  }
}
