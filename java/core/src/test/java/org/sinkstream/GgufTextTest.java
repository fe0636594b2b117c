package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.GgufConversion;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.text.Detokenizer;
import org.sinkstream.text.TokenizerMetadata;

/** Text into and out of a model that is a GGUF file. */
class GgufTextTest {
  private static final String PROMPT = "It was a dark night, and the captain";
  private static final Path DIRECTORY = EmbeddedModel.DIRECTORY;

  @TempDir Path folder;

  @Test
  void readsAndWritesText() throws IOException {
    GgufBuilder gguf =
        GgufConversion.convert(DIRECTORY)
            .values(
                TokenizerMetadata.of(
                    DIRECTORY.resolve("tokenizer.json"), 4096, OptionalInt.of(1), List.of(2)));
    Path file = Files.write(folder.resolve("llama-mini.gguf"), gguf.build());
    try (Model directory = Model.open(DIRECTORY);
        Model model = Model.open(file);
        Session session = model.newSession()) {
      assertThat(model.endOfText()).isEqualTo(directory.endOfText()).containsExactly(2);
      int[] prompt = directory.tokenizer().encode(PROMPT, true);
      assertThat(model.tokenizer().encode(PROMPT, true)).isEqualTo(prompt);
      session.append(PROMPT);
      assertThat(session.position()).isEqualTo(prompt.length);
      Detokenizer detokenizer = directory.newDetokenizer(prompt);
      for (Token token : session.generate(GenerationOptions.of(60, 42))) {
        assertThat(token.text()).isEqualTo(detokenizer.accept(token.id()));
      }
    }
  }

  @Test
  void goesWithoutATokenizer() throws IOException {
    Path file = folder.resolve("llama-mini.gguf");
    Files.write(file, GgufConversion.convert(DIRECTORY).build());
    try (Model model = Model.open(file);
        Session session = model.newSession()) {
      assertThatThrownBy(model::tokenizer)
          .isInstanceOf(CheckpointException.class)
          .hasMessage(file + ": no tokenizer, and text needs one");
      session.append(1, 2, 3);
      assertThat(session.generate(GenerationOptions.of(3, 42))).hasSize(3);
    }
  }
}
