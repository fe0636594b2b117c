package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.RandomTokens;

/** The stream's own arithmetic, on the embedded model with an exact cache. */
class SessionTest {
  private static final CachePolicy SMALL = CachePolicy.streaming(4, 20);
  private static Model model;

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

  private static void assertSameLogits(float[] found, float[] expected) {
    assertThat(found).containsExactly(expected, within(1e-3f));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 100})
  void resultsDoNotDependOnHowTokensAreCut(int cut) {
    int[] ids = RandomTokens.of(model, 100, 1);
    try (Session whole = model.newSession(SMALL);
        Session pieces = model.newSession(SMALL)) {
      whole.append(ids);
      for (int i = 0; i < ids.length; i += cut) {
        pieces.append(Arrays.copyOfRange(ids, i, Math.min(ids.length, i + cut)));
      }
      assertThat(pieces.position()).isEqualTo(100);
      assertSameLogits(pieces.logits(), whole.logits());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"4+20", "0+24", "dense", "recompute:24"})
  void theDeviceChoosesTheLikeliest(String policy) {
    try (Session found = model.newSession(CachePolicy.parse(policy));
        Session expected = model.newSession(CachePolicy.parse(policy))) {
      int[] ids = RandomTokens.of(model, 10, 21);
      found.append(ids);
      expected.append(ids);
      LikeliestSteps.check(found, expected, 40);
      found.dropLast(1);
      expected.dropLast(1);
      found.append(7);
      expected.append(7);
      LikeliestSteps.check(found, expected, 3);
    }
  }

  /** What a step leaves is told to those that come after it: room, history, what was taken back. */
  @Test
  void greedyStepsAreStepsLikeOthers() {
    Sampler greedy = new Sampler(Sampling.greedy(), Set.of());
    Sampler penalised = new Sampler(Sampling.greedy().withRepetitionPenalty(50, 4), Set.of());
    try (Session found = model.newSession(SMALL);
        Session expected = model.newSession(SMALL)) {
      found.append(1, 2, 3);
      expected.append(1, 2, 3);
      for (int i = 0; i < 20; i++) {
        for (int greedySteps = 0; greedySteps < 5; greedySteps++) {
          expected.append(found.step(greedy));
        }
        assertThat(found.step(penalised)).isEqualTo(expected.step(penalised));
      }
      found.dropLast(1);
      assertThatThrownBy(() -> found.step(greedy))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no logits");
    }
  }

  @Test
  void greedyStepsTakeNoMemory() {
    Sampler greedy = new Sampler(Sampling.greedy(), Set.of());
    try (Session session = model.newSession(SMALL)) {
      session.append(1);
      session.step(greedy);
      long before = Device.allocatedBytes();
      for (int i = 0; i < 100; i++) {
        session.step(greedy);
      }
      assertThat(Device.allocatedBytes()).isEqualTo(before);
    }
  }

  @Test
  void theDeviceChoosesFromABatchsLogits() {
    try (Session found = model.newSession(SMALL);
        Session other = model.newSession(SMALL);
        Session expected = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      batch.append(List.of(other, found), 3, 5);
      expected.append(5);
      LikeliestSteps.check(found, expected, 3);
      batch.append(List.of(found, other), 8, 9);
      expected.append(8);
      LikeliestSteps.check(found, expected, 3);
    }
  }

  @Test
  void equalsDenseUntilTheCacheIsFull() {
    int[] ids = RandomTokens.of(model, 26, 2);
    try (Session dense = model.newSession(CachePolicy.dense());
        Session streaming = model.newSession(SMALL)) {
      for (int t = 0; t < ids.length; t++) {
        dense.append(ids[t]);
        streaming.append(ids[t]);
        if (t <= 24) {
          assertSameLogits(streaming.logits(), dense.logits());
        }
      }
      assertThat(distance(streaming.logits(), dense.logits())).isGreaterThan(1e-2);
    }
  }

  private static double distance(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElse(0);
  }

  @Test
  void memoryIsConstantAndTheCacheKeepsSinksAndWindow() {
    try (Session session = model.newSession(SMALL)) {
      session.append(RandomTokens.of(model, 1, 3));
      long cacheBytes = session.cacheBytes();
      session.append(RandomTokens.of(model, 30, 4));
      assertThat(session.cachedTokens()).isEqualTo(24);
      long nativeBytes = Device.allocatedBytes();
      session.append(RandomTokens.of(model, 500, 5));
      assertThat(session.cacheBytes()).isEqualTo(cacheBytes).isEqualTo(model.cacheBytes(SMALL));
      assertThat(Device.allocatedBytes()).isEqualTo(nativeBytes);
      assertThat(session.cachedTokens()).isEqualTo(24);
      assertThat(session.position()).isEqualTo(531);
    }
  }

  @Test
  void droppedTokensNeverHappened() {
    int[] ids = RandomTokens.of(model, 50, 6);
    try (Session straight = model.newSession(SMALL);
        Session detour = model.newSession(SMALL)) {
      straight.append(ids);
      detour.append(Arrays.copyOf(ids, 45));
      detour.append(RandomTokens.of(model, 9, 7));
      detour.dropLast(9);
      assertThatThrownBy(detour::logits).isInstanceOf(IllegalStateException.class);
      detour.append(Arrays.copyOfRange(ids, 45, 50));
      assertSameLogits(detour.logits(), straight.logits());
    }
  }

  @Test
  void dropsNoFurtherThanTheRingRemembers() {
    try (Session session = model.newSession(SMALL)) {
      session.append(RandomTokens.of(model, 200, 8));
      assertThatThrownBy(() -> session.dropLast(150)).isInstanceOf(IllegalStateException.class);
      assertThat(session.position()).isEqualTo(200);
      assertThatThrownBy(() -> session.dropLast(-1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("-1");
      assertThatThrownBy(() -> session.dropLast(201))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("201");
    }
  }

  @Test
  void evictingTheNewestTokensIsDroppingThem() {
    int[] ids = RandomTokens.of(model, 20, 9);
    try (Session evicted = model.newSession(SMALL);
        Session dropped = model.newSession(SMALL)) {
      evicted.append(ids);
      dropped.append(ids);
      evicted.evict(15, 20);
      dropped.dropLast(5);
      assertThat(evicted.position()).isEqualTo(15);
      evicted.append(7);
      dropped.append(7);
      assertSameLogits(evicted.logits(), dropped.logits());
    }
  }

  @Test
  void refusesToEvictSinksAndWhatIsGone() {
    try (Session session = model.newSession(SMALL)) {
      session.append(RandomTokens.of(model, 100, 10));
      assertThatThrownBy(() -> session.evict(2, 90))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("2");
      assertThatThrownBy(() -> session.evict(90, 101))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("101");
      assertThatThrownBy(() -> session.evict(10, 20)).isInstanceOf(IllegalStateException.class);
      session.evict(85, 90);
      assertThat(session.position()).isEqualTo(95);
    }
  }

  @Test
  void clearStartsAgain() {
    int[] ids = RandomTokens.of(model, 30, 11);
    try (Session fresh = model.newSession(SMALL);
        Session used = model.newSession(SMALL)) {
      fresh.append(ids);
      used.append(RandomTokens.of(model, 77, 12));
      used.clear();
      assertThat(used.position()).isZero();
      used.append(ids);
      assertThat(used.logits()).containsExactly(fresh.logits());
    }
  }

  @Test
  void refusesTokensOutsideTheVocabularyBeforeAppendingAny() {
    try (Session session = model.newSession(SMALL)) {
      for (int bad : new int[] {-1, 4096, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
        assertThatThrownBy(() -> session.append(5, 6, bad))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(Integer.toString(bad))
            .hasMessageContaining("4095");
        assertThatThrownBy(() -> session.score(5, bad))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(session.position()).isZero();
    }
  }

  @Test
  void refusesASecondThread() throws Exception {
    try (Session session = model.newSession(SMALL);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      session.append(1, 2, 3);
      float[] logits = session.logits();
      Stream<Runnable> calls =
          Stream.of(
              () -> session.append(4),
              session::logits,
              session::position,
              session::cacheBytes,
              session::clear,
              session::close,
              () -> session.dropLast(1),
              () -> session.generate(GenerationOptions.greedy(1)));
      for (Runnable call : calls.toList()) {
        Future<?> refused = other.submit(call);
        assertThat(catchThrowable(refused::get)).hasCauseInstanceOf(WrongThreadException.class);
      }
      assertThat(session.logits()).containsExactly(logits);
    }
  }

  @Test
  void refusesUseAfterClose() {
    Session session = model.newSession(SMALL);
    session.append(1);
    session.close();
    session.close();
    assertThatThrownBy(() -> session.append(2))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    assertThatThrownBy(session::position).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(session::logits).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void needsATokenToGoOnFrom() {
    try (Session session = model.newSession(SMALL)) {
      assertThatThrownBy(session::logits).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> session.generate(GenerationOptions.greedy(1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("append");
    }
  }

  @Test
  void saysHowMuchMemoryAHugeWindowWouldTake() {
    assertThatThrownBy(() -> model.newSession(CachePolicy.streaming(4, 1L << 40)))
        .isInstanceOf(DeviceMemoryException.class)
        .hasMessageContaining(Long.toString(model.cacheBytes(CachePolicy.streaming(4, 1L << 40))));
    assertThatThrownBy(() -> model.newSession(CachePolicy.streaming(4, 999_999_999_999_999_999L)))
        .isInstanceOf(DeviceMemoryException.class);
  }

  @Test
  void sessionsOfOneModelRunInSeveralThreads() throws Exception {
    int[] ids = RandomTokens.of(model, 60, 13);
    float[] expected = logitsOf(ids);
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      Stream<Future<float[]>> runs =
          IntStream.range(0, 8).mapToObj(i -> threads.submit(() -> logitsOf(ids)));
      for (Future<float[]> run : runs.toList()) {
        assertThat(run.get()).containsExactly(expected);
      }
    }
  }

  private static float[] logitsOf(int[] ids) {
    try (Session session = model.newSession(SMALL)) {
      session.append(ids);
      return session.logits();
    }
  }

  @Test
  void scoringGivesTheSameLossesHoweverItIsCut() {
    int[] ids = RandomTokens.of(model, 90, 14);
    try (Session whole = model.newSession(SMALL);
        Session pieces = model.newSession(SMALL)) {
      double[] expected = whole.score(ids);
      assertThat(expected[0]).isNaN();
      for (int i = 0; i < ids.length; i += 13) {
        int[] piece = Arrays.copyOfRange(ids, i, Math.min(ids.length, i + 13));
        double[] found = pieces.score(piece);
        for (int k = i == 0 ? 1 : 0; k < found.length; k++) {
          assertThat(found[k]).isCloseTo(expected[i + k], within(1e-4));
        }
      }
    }
  }

  @Test
  void aModelWithOpenSessionsDoesNotClose() {
    Model other = Model.open(EmbeddedModel.DIRECTORY);
    Session session = other.newSession(SMALL);
    assertThatThrownBy(other::close)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("1 open session");
    session.append(1);
    session.close();
    other.close();
    other.close();
    assertThatThrownBy(() -> other.newSession(SMALL)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nothingLeaks() {
    long before = Device.allocatedBytes();
    for (int i = 0; i < 3; i++) {
      try (Model other = Model.open(EmbeddedModel.DIRECTORY);
          Session session = other.newSession(SMALL)) {
        session.score(RandomTokens.of(model, 40, i));
      }
      assertThat(Device.allocatedBytes()).isEqualTo(before);
    }
  }
}
