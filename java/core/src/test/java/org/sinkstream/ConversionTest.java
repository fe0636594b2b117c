package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sinkstream.error.CheckpointException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What is refused, what is said, and what is left behind. */
class ConversionTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");

  @TempDir Path directory;
  private Path model;
  private Path out;

  @BeforeEach
  void prepare() throws IOException {
    model = Files.createDirectory(directory.resolve("model"));
    Files.createDirectory(directory.resolve("out"));
    out = directory.resolve("out/model.gguf");
  }

  private void copy(String golden) throws IOException {
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(GOLDEN.resolve(golden).resolve(name), model.resolve(name));
    }
  }

  private void set(String field, String value) {
    Path file = model.resolve("config.json");
    ObjectNode config = (ObjectNode) JsonMapper.shared().readTree(file.toFile());
    config.set(field, JsonMapper.shared().readTree(value));
    JsonMapper.shared().writeValue(file.toFile(), config);
  }

  private void convert(WeightType type) throws IOException {
    try (Conversion conversion = Conversion.open(model, "name", type, 2)) {
      conversion.write(out, bytes -> {});
    }
  }

  private long filesLeft() throws IOException {
    try (Stream<Path> files = Files.list(out.getParent())) {
      return files.count();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          pythia       | hidden_act    | "gelu_new"             | hidden_act is "gelu_new"; expected gelu
          pythia       | rope_scaling  | {"type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64} | rope_scaling is
          llama2-gqa   | partial_rotary_factor | 0.5            | partial_rotary_factor is 0.5; expected 1
          """)
  void refusesWhatAFileCannotSay(String golden, String field, String value, String expected)
      throws IOException {
    copy(golden);
    set(field, value);
    assertThatThrownBy(() -> convert(WeightType.F16))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json: " + expected)
        .hasMessageEndingWith(": GGUF files cannot say anything else");
    assertThat(filesLeft()).isZero();
  }

  @Test
  void refusesAnotherScaleOfScores() throws IOException {
    copy("mpt-30b-clip");
    set("attn_config", "{\"clip_qkv\": 2.0, \"alibi\": true, \"softmax_scale\": 0.5}");
    assertThatThrownBy(() -> convert(WeightType.F16)).hasMessageContaining("softmax_scale of 1");
  }

  @Test
  void refusesAGgufFile() throws IOException {
    copy("pythia");
    convert(WeightType.BF16);
    assertThatThrownBy(() -> Conversion.open(out, "name", WeightType.Q8_0, 1))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("model.gguf: a file; expected a Hugging Face directory");
  }

  @ParameterizedTest
  @EnumSource(WeightType.class)
  void refusesAWeightThatIsNone(WeightType type) throws IOException {
    copy("pythia");
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] = 0x7f; // the last number of the last tensor becomes a NaN
    bytes[bytes.length - 2] = (byte) 0xff;
    Files.write(weights, bytes);
    Files.writeString(out, "old");
    assertThatThrownBy(() -> convert(type))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(": tensor \"gpt_neox")
        .hasMessageContaining("is nan; expected a magnitude of at most");
    assertThat(out).hasContent("old");
    assertThat(filesLeft()).isOne();
  }

  @Test
  void refusesWhatDecodingRefuses() throws IOException {
    copy("pythia");
    set("intermediate_size", "264");
    assertThatThrownBy(() -> convert(WeightType.F16)).hasMessageContaining("has shape");
    set("intermediate_size", "0");
    assertThatThrownBy(() -> convert(WeightType.F16)).hasMessageContaining("intermediate_size");
    assertThat(filesLeft()).isZero();
  }

  @Test
  void anEmbeddingThatIsTheHeadStandsTwiceWhereLlamaCppWantsIt() throws IOException {
    copy("pythia");
    set("tie_word_embeddings", "true");
    try (Conversion conversion = Conversion.open(model, "name", WeightType.Q8_0, 1)) {
      long untied = conversion.types().get("q8_0");
      set("tie_word_embeddings", "false");
      try (Conversion other = Conversion.open(model, "name", WeightType.Q8_0, 1)) {
        assertThat(other.types()).containsEntry("q8_0", untied);
      }
    }
  }
}
