package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.error.SnapshotException;
import org.sinkstream.testing.EmbeddedModel;

/** Saved sessions: continued exactly, and refused wherever they do not belong. */
class SnapshotTest {
  private static final CachePolicy POLICY = CachePolicy.streaming(4, 20);
  private static Model model;

  @TempDir Path directory;
  private Path file;
  private List<Token> continued;

  @BeforeAll
  static void open() {
    model = Model.open(EmbeddedModel.DIRECTORY);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  @BeforeEach
  void save() throws IOException {
    file = directory.resolve("stream.sks");
    try (Session session = model.newSession(POLICY)) {
      session.append(new SplittableRandom(1).ints(100, 0, model.info().vocabulary()).toArray());
      session.save(file);
      continued = generate(session);
    }
  }

  private static List<Token> generate(Session session) {
    GenerationOptions options =
        GenerationOptions.of(30, 7)
            .withSampling(Sampling.seeded(7).withRepetitionPenalty(1.3, 64))
            .withoutEnd();
    return session.generate(options).stream().toList();
  }

  @Test
  void continuesExactly() throws IOException {
    try (Session restored = model.restore(file, POLICY)) {
      assertThat(restored.position()).isEqualTo(100);
      assertThat(generate(restored)).isEqualTo(continued);
    }
  }

  @Test
  void leavesNothingButTheFile() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void refusesAnotherPolicyTypeAndChunk() throws IOException {
    refused(model, CachePolicy.streaming(4, 21), "4+20", "4+21");
    refused(model, CachePolicy.dense(), "4+20", "dense");
    for (ModelOptions options :
        List.of(
            ModelOptions.defaults().withKvType(KvType.F32),
            ModelOptions.defaults().withChunk(17))) {
      try (Model other = Model.open(EmbeddedModel.DIRECTORY, options)) {
        refused(other, POLICY, "cache");
      }
    }
  }

  @Test
  void refusesAnotherModel() throws IOException {
    Path copy = Files.createDirectory(directory.resolve("other"));
    try (Stream<Path> files = Files.list(EmbeddedModel.DIRECTORY)) {
      for (Path source : files.toList()) {
        Files.copy(source, copy.resolve(source.getFileName()));
      }
    }
    Path weights = copy.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    try (Model other = Model.open(copy)) {
      refused(other, POLICY, "model");
    }
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    for (int length : new int[] {0, 1, 7, 11, 40, 200, bytes.length / 2, bytes.length - 1}) {
      Files.write(file, Arrays.copyOf(bytes, length));
      refused(model, POLICY, "cut short");
    }
  }

  @Test
  void refusesEveryKindOfDamage() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(2);
    for (int i = 0; i < 60; i++) {
      byte[] damaged = bytes.clone();
      damaged[i < 20 ? i : random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      Files.write(file, damaged);
      refused(model, POLICY, file.toString());
    }
    Files.write(file, Arrays.copyOf(bytes, bytes.length + 1));
    refused(model, POLICY, "changed");
  }

  private void refused(Model other, CachePolicy policy, String... words) {
    assertThatThrownBy(() -> other.restore(file, policy))
        .isInstanceOf(SnapshotException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(words);
  }
}
