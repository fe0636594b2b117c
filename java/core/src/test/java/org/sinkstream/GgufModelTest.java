package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.GgufConversion;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.error.SnapshotException;

/** A model from a GGUF file is a model like any other. */
class GgufModelTest {
  private static final Path DIRECTORY = Path.of("src/test/resources/golden/llama2-gqa");
  private static final CachePolicy POLICY = CachePolicy.streaming(2, 5);

  @TempDir private static Path folder;
  private static Path file;

  @BeforeAll
  static void convert() throws IOException {
    file = folder.resolve("model.gguf");
    Files.write(file, GgufConversion.convert(DIRECTORY).build());
  }

  @Test
  void info() {
    try (Model model = Model.open(file);
        Model original = Model.open(DIRECTORY)) {
      assertThat(model.info())
          .usingRecursiveComparison()
          .ignoringFields("weightTypes", "weightBytes", "stepBytes", "tokenBytes")
          .isEqualTo(original.info());
      assertThat(model.info().weightTypes()).containsExactly("f32");
      assertThat(model.info().weightBytes()).isEqualTo(2 * original.info().weightBytes());
    }
  }

  @Test
  void withoutATokenizer() {
    try (Model model = Model.open(file)) {
      assertThat(model.endOfText()).isEmpty();
      assertThatThrownBy(model::tokenizer)
          .isInstanceOf(CheckpointException.class)
          .hasMessage(file + ": no tokenizer, and text needs one");
    }
  }

  @Test
  void snapshotsBelongToTheContainerThatTheyWereMadeWith() throws IOException {
    Path snapshot = folder.resolve("stream.sks");
    try (Model model = Model.open(file)) {
      try (Session session = model.newSession(POLICY)) {
        session.append(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        session.save(snapshot);
      }
      try (Session session = model.restore(snapshot, POLICY)) {
        assertThat(session.position()).isEqualTo(9);
      }
    }
    try (Model original = Model.open(DIRECTORY)) { // its cached keys have another order of channels
      assertThatThrownBy(() -> original.restore(snapshot, POLICY))
          .isInstanceOf(SnapshotException.class);
    }
  }
}
