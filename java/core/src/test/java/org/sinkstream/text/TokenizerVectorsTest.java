package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sinkstream.testing.SharedData;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Published tokenizers against the ids that other programs give for the same texts. */
class TokenizerVectorsTest {
  @TempDir Path temporary;

  @ParameterizedTest
  @CsvSource({"falcon, falcon_encoded.test.json", "llama2, llama_encoded.test.json"})
  void encodesLikeTransformers(String folder, String vectors) {
    JsonNode expected =
        JsonMapper.shared().readTree(SharedData.require("tokenizers/" + folder).resolve(vectors));
    String text = expected.path("text").stringValue();
    int[] ids =
        StreamSupport.stream(expected.path("token_ids").spliterator(), false)
            .mapToInt(JsonNode::intValue)
            .toArray();
    try (Tokenizer tokenizer = open(folder)) {
      assertThat(tokenizer.encode(text, true)).isEqualTo(ids);
      assertThat(tokenizer.decode(ids)).isEqualTo(text);
    }
  }

  @ParameterizedTest
  @CsvSource({"falcon, falcon", "llama2, llama-spm", "pythia, mpt"})
  void encodesLikeLlamaCpp(String folder, String vectors) throws IOException {
    try (Tokenizer tokenizer = open(folder)) {
      encodesLikeLlamaCpp(tokenizer, vectors);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "falcon, falcon",
    "gpt-2, gpt-2",
    "gpt-neox, mpt",
    "llama-spm, llama-spm",
    "mpt, mpt",
  })
  void encodesLikeLlamaCppFromGguf(String vocabulary, String vectors) throws IOException {
    try (Tokenizer tokenizer =
        Tokenizer.open(SharedData.require("tokenizers/ggml-vocab-%s.gguf".formatted(vocabulary)))) {
      encodesLikeLlamaCpp(tokenizer, vectors);
    }
  }

  @ParameterizedTest
  @CsvSource({"falcon, falcon", "gpt-neox, pythia", "mpt, pythia", "llama-spm, llama2"})
  void aGgufFileIsTheSameAsATokenizerJson(String vocabulary, String folder) throws IOException {
    String json = Files.readString(SharedData.require("tokenizers/" + folder + "/tokenizer.json"));
    String expectedJson = TokenizerFiles.findingSpecialAnywhere(json);
    assertThat(expectedJson.equals(json)).isEqualTo(!folder.equals("llama2"));
    Path file = Files.writeString(temporary.resolve("tokenizer.json"), expectedJson);
    Path gguf = SharedData.require("tokenizers/ggml-vocab-%s.gguf".formatted(vocabulary));
    try (Tokenizer actual = Tokenizer.open(gguf);
        Tokenizer expected = Tokenizer.open(file)) {
      SameTokens.check(actual, expected);
    }
  }

  private static void encodesLikeLlamaCpp(Tokenizer tokenizer, String vectors) throws IOException {
    Path inputs = SharedData.require("tokenizers/ggml-vocab-%s.gguf.inp".formatted(vectors));
    Path outputs = SharedData.require("tokenizers/ggml-vocab-%s.gguf.out".formatted(vectors));
    String[] texts = Files.readString(inputs).split("\n__ggml_vocab_test__\n");
    String[] ids = Files.readString(outputs).split("\n");
    assertThat(ids).hasSameSizeAs(texts).hasSize(46);
    Map<String, List<Integer>> actual = new LinkedHashMap<>();
    Map<String, List<Integer>> expected = new LinkedHashMap<>();
    for (int i = 0; i < texts.length; i++) {
      actual.put(texts[i], IntStream.of(tokenizer.encode(texts[i])).boxed().toList());
      expected.put(texts[i], ids(ids[i]));
    }
    assertThat(actual).isEqualTo(expected);
  }

  private static List<Integer> ids(String line) {
    return line.isBlank()
        ? List.of()
        : Arrays.stream(line.strip().split(" ")).map(Integer::valueOf).toList();
  }

  private static Tokenizer open(String folder) {
    return Tokenizer.open(SharedData.require("tokenizers/" + folder + "/tokenizer.json"));
  }
}
