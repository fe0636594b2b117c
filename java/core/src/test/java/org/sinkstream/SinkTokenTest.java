package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.MemoryLimitException;
import org.sinkstream.error.SnapshotException;
import org.sinkstream.testing.BinaryFiles;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.ModelCopy;
import org.sinkstream.testing.SharedData;

/** A token in front of every stream, on the embedded model: what it would be if it were given. */
class SinkTokenTest {
  private static final int SINK = 3;
  private static final ModelOptions PLAIN =
      ModelOptions.defaults().withKvType(KvType.F32).withActivations(Activations.F32).withChunk(16);
  private static Model plain;
  private static Model model;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    plain = Model.open(EmbeddedModel.DIRECTORY, PLAIN);
    model = Model.open(EmbeddedModel.DIRECTORY, PLAIN.withSinkToken(SINK));
  }

  @AfterAll
  static void close() {
    model.close();
    plain.close();
  }

  private static int[] tokens(int count, long seed) {
    return new SplittableRandom(seed).ints(count, 4, model.info().vocabulary()).toArray();
  }

  private static int[] behindSink(int... ids) {
    return IntStream.concat(IntStream.of(SINK), Arrays.stream(ids)).toArray();
  }

  private static void assertSame(float[] found, float[] expected) {
    assertThat(found).containsExactly(expected, within(1e-3f));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1+20", "4+20", "0+20", "dense", "recompute:200"})
  void everyStreamBeginsWithIt(String text) {
    int[] ids = tokens(100, 1);
    CachePolicy policy = CachePolicy.parse(text);
    try (Session put = model.newSession(policy);
        Session given = plain.newSession(policy)) {
      for (int round = 0; round < 2; round++) {
        double[] losses = put.score(ids);
        double[] expected = given.score(behindSink(ids));
        for (int i = 0; i < ids.length; i++) {
          assertThat(losses[i]).isCloseTo(expected[i + 1], within(1e-3));
        }
        assertThat(put.position()).isEqualTo(101);
        assertSame(put.logits(), given.logits());
        put.clear();
        given.clear();
        assertThat(put.position()).isZero();
      }
      put.append(ids);
      given.append(behindSink(ids));
      assertSame(put.logits(), given.logits());
    }
  }

  @Test
  void aStreamThatBeginsWithItHasNoOther() {
    int[] ids = tokens(30, 2);
    try (Session put = model.newSession(CachePolicy.streaming(4, 20));
        Session given = model.newSession(CachePolicy.streaming(4, 20))) {
      put.append(ids);
      assertThat(given.score(behindSink(ids))[0]).isNaN();
      assertThat(given.position()).isEqualTo(31);
      assertSame(put.logits(), given.logits());
    }
  }

  /** A pass has L tokens in all, the first of which is the sink token. */
  @Test
  void everyPassBeginsWithIt() throws IOException {
    int[] ids = tokens(50, 3);
    CachePolicy policy = CachePolicy.recompute(20);
    try (Session session = model.newSession(policy)) {
      for (int t = 0; t < ids.length; t++) {
        session.append(ids[t]);
        try (Session dense = model.newSession(CachePolicy.dense())) {
          dense.append(Arrays.copyOfRange(ids, Math.max(0, t + 1 - 19), t + 1));
          assertSame(session.logits(), dense.logits());
        }
      }
      assertThatThrownBy(() -> session.evict(32, 33)).isInstanceOf(IllegalStateException.class);
      session.evict(33, 51);
      assertThat(session.position()).isEqualTo(33);
      session.append(ids[0]);
      try (Session dense = model.newSession(CachePolicy.dense())) {
        dense.append(ids[0]);
        assertSame(session.logits(), dense.logits());
      }
    }
    assertThatThrownBy(() -> model.newSession(CachePolicy.recompute(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected 2 or more");
  }

  /** Nor does one that is refused leave the sink token of a stream that it would have begun. */
  @Test
  void refusedTokensBeginNoStream() {
    long limit = plain.cacheBytes(CachePolicy.streaming(0, 400)); // what some hundred tokens take
    int[] many = tokens(5000, 7);
    try (Model limited =
            Model.open(EmbeddedModel.DIRECTORY, PLAIN.withSinkToken(SINK).withMemoryLimit(limit));
        Session session = limited.newSession(CachePolicy.dense())) {
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(() -> session.append(many), () -> session.score(many))) {
        assertThatThrownBy(call).isInstanceOf(MemoryLimitException.class);
        assertThat(session.position()).isZero();
        assertThatThrownBy(session::logits).isInstanceOf(IllegalStateException.class);
      }
      session.append(many[0]);
      assertThat(session.position()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0+20", "dense"})
  void aStreamOfWhichNothingIsLeftBeginsAgain(String policy) {
    try (Session session = model.newSession(CachePolicy.parse(policy));
        SessionBatch batch = model.newBatch(1)) {
      session.append(5, 6, 7);
      session.evict(0, 4);
      assertThat(session.position()).isZero();
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> session.generate(GenerationOptions.greedy(1)),
              () -> batch.appendLikeliest(List.of(session)))) {
        assertThatThrownBy(call)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("no logits");
      }
      session.append(9);
      assertThat(session.position()).isEqualTo(2);
      session.append(tokens(60, 5));
      long position = session.position();
      session.evict(position - session.cachedTokens(), position);
      assertThat(session.cachedTokens()).isZero();
      assertThatThrownBy(session::logits).isInstanceOf(IllegalStateException.class);
      session.append(9);
      try (Session alone = plain.newSession(CachePolicy.dense())) {
        alone.append(policy.equals("dense") ? behindSink(9) : new int[] {9});
        assertSame(session.logits(), alone.logits());
      }
    }
  }

  @Test
  void aSnapshotBelongsToItsSinkToken() throws IOException {
    Path file = folder.resolve("stream.sks");
    CachePolicy policy = CachePolicy.streaming(4, 20);
    try (Session session = model.newSession(policy)) {
      session.append(tokens(30, 4));
      session.save(file);
      try (Session restored = model.restore(file, policy)) {
        assertThat(restored.position()).isEqualTo(31);
        session.append(5);
        restored.append(5);
        assertThat(restored.logits()).containsExactly(session.logits());
      }
    }
    assertThatThrownBy(() -> plain.restore(file, policy))
        .isInstanceOf(SnapshotException.class)
        .hasMessageContaining("sink token is 3; expected none");
  }

  @Test
  void theConfigNamesItAndAConvertedFileToo() throws IOException {
    Path named =
        ModelCopy.of(
            EmbeddedModel.DIRECTORY,
            folder.resolve("named"),
            "\"sink_token_id\": " + SINK,
            Map.of());
    Path file = folder.resolve("named.gguf");
    try (Conversion conversion = Conversion.open(named, "named", WeightType.BF16, 1)) {
      conversion.write(file, bytes -> {});
    }
    for (Path each : new Path[] {named, file}) {
      try (Model opened = Model.open(each);
          Session session = opened.newSession()) {
        assertThat(opened.info().sinkToken()).hasValue(SINK);
        session.append(7, 8);
        assertThat(session.position()).isEqualTo(3);
      }
      try (Model other = Model.open(each, ModelOptions.defaults().withSinkToken(9))) {
        assertThat(other.info().sinkToken()).hasValue(9);
      }
    }
    assertThat(plain.info().sinkToken()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 4096})
  void refusesTokensOutsideTheVocabulary(int token) {
    assertThatThrownBy(() -> Model.open(EmbeddedModel.DIRECTORY, PLAIN.withSinkToken(token)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("sink token: %d; the vocabulary is 0 to 4095".formatted(token));
  }

  /** The model that was trained with one, against the float64 oracle. */
  @ParameterizedTest
  @ValueSource(strings = {"dense", "4+252", "0+256"})
  void trainedWithOne(String policy) throws IOException {
    Path directory = SharedData.require("models/pythia-sinktoken-mini");
    int[] ids = BinaryFiles.ints(directory.resolve("ids.i32"));
    float[] expected = BinaryFiles.floats(directory.resolve("nll_" + policy + ".f32"));
    assertThat(ids[0]).isEqualTo(SINK);
    try (Model trained = Model.open(directory, PLAIN.withSinkToken(SINK).withChunk(256));
        Session session = trained.newSession(CachePolicy.parse(policy))) {
      double[] losses = session.score(Arrays.copyOfRange(ids, 1, ids.length));
      for (int i = 0; i < losses.length; i++) {
        assertThat(losses[i]).isCloseTo(expected[i], within(2e-3));
      }
    }
  }
}
