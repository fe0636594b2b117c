package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.SnapshotException;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.RandomTokens;

/**
 * The sliding window with re-computation, against its definition: a dense stream of its own for
 * every prediction. On the embedded model with an exact cache.
 */
class RecomputeTest {
  private static final CachePolicy POLICY = CachePolicy.recompute(20);
  private static Model model;

  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    model =
        Model.open(
            EmbeddedModel.DIRECTORY,
            ModelOptions.defaults()
                .withKvType(KvType.F32)
                .withActivations(Activations.F32)
                .withChunk(16));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  /** The logits after the last of these tokens, of which a dense stream sees the last {@code L}. */
  private static float[] afresh(int[] ids, int end, int length) {
    try (Session dense = model.newSession(CachePolicy.dense())) {
      dense.append(Arrays.copyOfRange(ids, Math.max(0, end - length), end));
      return dense.logits();
    }
  }

  private static void assertSame(float[] found, float[] expected) {
    assertThat(found).containsExactly(expected, within(1e-4f));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 16, 17, 40})
  void everyPredictionIsAFreshPass(int length) {
    int[] ids = RandomTokens.of(model, 50, 1);
    try (Session session = model.newSession(CachePolicy.recompute(length));
        Session single = model.newSession(CachePolicy.recompute(length))) {
      session.append(
          ids,
          (position, logits) -> {
            float[] found = new float[model.info().vocabulary()];
            logits.get(found);
            assertSame(found, afresh(ids, (int) position + 1, length));
          });
      assertSame(session.logits(), afresh(ids, ids.length, length));
      for (int id : ids) {
        single.append(id);
      }
      assertSame(single.logits(), session.logits());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 45})
  void lossesDoNotDependOnHowTokensAreCut(int cut) {
    int[] ids = RandomTokens.of(model, 45, 2);
    try (Session dense = model.newSession(CachePolicy.dense());
        Session whole = model.newSession(POLICY);
        Session pieces = model.newSession(POLICY)) {
      double[] expected = whole.score(ids);
      double[] early = dense.score(ids);
      assertThat(expected[0]).isNaN();
      for (int t = 1; t <= 20; t++) {
        assertThat(expected[t]).isCloseTo(early[t], within(1e-4));
      }
      for (int i = 0; i < ids.length; i += cut) {
        double[] found = pieces.score(Arrays.copyOfRange(ids, i, Math.min(ids.length, i + cut)));
        for (int k = i == 0 ? 1 : 0; k < found.length; k++) {
          assertThat(found[k]).isCloseTo(expected[i + k], within(1e-4));
        }
      }
    }
  }

  @Test
  void memoryIsConstant() {
    try (Session session = model.newSession(POLICY)) {
      session.append(RandomTokens.of(model, 1, 3));
      long cacheBytes = session.cacheBytes();
      session.append(RandomTokens.of(model, 30, 4), (position, logits) -> {});
      long nativeBytes = Device.allocatedBytes();
      session.append(RandomTokens.of(model, 100, 5), (position, logits) -> {});
      assertThat(session.cacheBytes()).isEqualTo(cacheBytes).isEqualTo(model.cacheBytes(POLICY));
      assertThat(Device.allocatedBytes()).isEqualTo(nativeBytes);
      assertThat(session.cachedTokens()).isEqualTo(19);
      assertThat(session.position()).isEqualTo(131);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 24, 50})
  void droppedTokensNeverHappened(int kept) {
    int[] ids = RandomTokens.of(model, 60, 6);
    try (Session detour = model.newSession(POLICY)) {
      detour.append(Arrays.copyOf(ids, kept));
      detour.append(RandomTokens.of(model, 9, 7));
      detour.dropLast(9);
      assertThatThrownBy(detour::logits).isInstanceOf(IllegalStateException.class);
      detour.append(Arrays.copyOfRange(ids, kept, 60));
      assertSame(detour.logits(), afresh(ids, 60, 20));
    }
  }

  @Test
  void dropsNoFurtherThanItRemembers() {
    try (Session session = model.newSession(POLICY)) {
      session.append(RandomTokens.of(model, 100, 8));
      assertThatThrownBy(() -> session.dropLast(40)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.dropLast(-1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> session.dropLast(101)).isInstanceOf(IllegalArgumentException.class);
      assertThat(session.position()).isEqualTo(100);
    }
  }

  @Test
  void evictedTokensAreLeftOut() {
    int[] ids = RandomTokens.of(model, 40, 9);
    int[] rest = RandomTokens.of(model, 4, 10);
    int[] seen = new int[17]; // the 19 that the next token sees, but for 6, and those after
    System.arraycopy(ids, 21, seen, 0, 9);
    System.arraycopy(ids, 36, seen, 9, 4);
    System.arraycopy(rest, 0, seen, 13, 4);
    try (Session session = model.newSession(POLICY)) {
      session.append(ids);
      assertThatThrownBy(() -> session.evict(20, 25)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.evict(30, 41)).isInstanceOf(IllegalArgumentException.class);
      session.evict(30, 36);
      assertThat(session.position()).isEqualTo(34);
      assertThat(session.cachedTokens()).isEqualTo(13);
      session.append(rest);
      assertSame(session.logits(), afresh(seen, seen.length, 20));
    }
  }

  @Test
  void clearStartsAgain() {
    int[] ids = RandomTokens.of(model, 30, 11);
    try (Session used = model.newSession(POLICY)) {
      used.append(RandomTokens.of(model, 77, 12));
      used.clear();
      assertThat(used.position()).isZero();
      used.append(ids);
      assertSame(used.logits(), afresh(ids, 30, 20));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 12, 20, 21, 70})
  void savedStreamsGoOnExactly(int length) throws IOException {
    Path file = folder.resolve("stream.sks");
    GenerationOptions options = GenerationOptions.of(15, 3).withoutEnd();
    List<Token> expected;
    try (Session session = model.newSession(POLICY)) {
      session.append(RandomTokens.of(model, length, 13));
      session.save(file);
      expected = session.generate(options).stream().toList();
    }
    try (Session restored = model.restore(file, POLICY)) {
      assertThat(restored.position()).isEqualTo(length);
      assertThat(restored.generate(options).stream().toList()).isEqualTo(expected);
    }
    assertThatThrownBy(() -> model.restore(file, CachePolicy.recompute(21)))
        .isInstanceOf(SnapshotException.class)
        .hasMessageContainingAll("recompute:20", "recompute:21");
  }
}
