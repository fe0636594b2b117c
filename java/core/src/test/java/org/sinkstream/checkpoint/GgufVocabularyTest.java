package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.SharedData;
import org.sinkstream.testing.SkippedFactories;

/** The vocabulary-only files that come with llama.cpp. */
@ExtendWith(SkippedFactories.class)
class GgufVocabularyTest {
  @TestFactory
  Stream<DynamicTest> metadataOfRealFiles() throws IOException {
    return BinaryFiles.matching(SharedData.require("tokenizers"), "ggml-vocab-*.gguf").stream()
        .map(file ->
            DynamicTest.dynamicTest(file.getFileName().toString(), () -> checkVocabulary(file)));
  }

  private static void checkVocabulary(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      GgufFile gguf = GgufFile.open(file, arena);
      GgufMetadata metadata = gguf.metadata();
      String architecture = metadata.string("general.architecture");
      assertThat(architecture).isIn("llama", "falcon", "gpt2", "gptneox", "mpt");
      int tokens = Math.toIntExact(metadata.count("tokenizer.ggml.tokens"));
      assertThat(tokens).isGreaterThanOrEqualTo(32_000);
      assertThat(metadata.strings("tokenizer.ggml.tokens")).hasSize(tokens).doesNotContain("");
      assertThat(metadata.ints("tokenizer.ggml.token_type")).hasSize(tokens);
      assertThat(metadata.integer("tokenizer.ggml.eos_token_id")).isBetween(0L, tokens - 1L);
      assertThat(gguf.tensors()).isEmpty();
      if (architecture.equals("llama")) {
        assertThat(metadata.floats("tokenizer.ggml.scores")).hasSize(tokens);
        assertThat(metadata.strings("tokenizer.ggml.tokens")).startsWith("<unk>", "<s>", "</s>");
        assertThat(metadata.number("llama.attention.layer_norm_rms_epsilon")).isIn(1e-5, 1e-6);
      } else {
        assertThat(metadata.strings("tokenizer.ggml.merges")).contains("Ġ t");
      }
      assertThatThrownBy(() -> Checkpoint.open(file, arena))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              architecture.equals("gpt2")
                  ? "general.architecture is \"gpt2\"; expected one of"
                  : "tensor \"token_embd.weight\" is missing; expected [vocabulary,");
    }
  }
}
