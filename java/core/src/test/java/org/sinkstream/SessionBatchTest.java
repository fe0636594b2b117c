package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.sinkstream.error.MemoryLimitException;
import org.sinkstream.kernels.Device;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.RandomTokens;

/** Several streams stepped together do what each would do alone. */
class SessionBatchTest {
  private static final CachePolicy SMALL = CachePolicy.streaming(4, 20);
  private static Model model;

  @BeforeAll
  static void open() {
    model =
        Model.open(
            EmbeddedModel.DIRECTORY,
            ModelOptions.defaults().withKvType(KvType.F32).withActivations(Activations.F32));
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static void assertSame(Session found, Session expected) {
    assertThat(found.position()).isEqualTo(expected.position());
    assertThat(found.logits()).containsExactly(expected.logits(), within(1e-4f));
  }

  /** What the batch finds likeliest, all at once, is what each session does. */
  static void assertCandidatesAreTheirs(SessionBatch batch, List<Session> sessions, int count) {
    List<Candidates> found = batch.candidates(count);
    assertThat(found).hasSameSizeAs(sessions);
    for (int i = 0; i < found.size(); i++) {
      Candidates expected = sessions.get(i).candidates(count);
      assertThat(found.get(i).ids()).isEqualTo(expected.ids());
      assertThat(found.get(i).logits()).isEqualTo(expected.logits());
    }
  }

  /** Streams at positions from 0 to far beyond the window; some join late, some pause, some go. */
  @Test
  void joinedAndLeftAtAnyPositionEachStreamIsAsIfAlone() {
    CachePolicy[] policies = {
      SMALL, CachePolicy.streaming(0, 7), CachePolicy.dense(), SMALL, SMALL
    };
    int[] prompts = {0, 3, 40, 24, 100};
    List<Session> together = new ArrayList<>();
    List<Session> alone = new ArrayList<>();
    try (SessionBatch batch = model.newBatch(policies.length)) {
      for (int i = 0; i < policies.length; i++) {
        together.add(model.newSession(policies[i]));
        alone.add(model.newSession(policies[i]));
        together.get(i).append(RandomTokens.of(model, prompts[i], i));
        alone.get(i).append(RandomTokens.of(model, prompts[i], i));
      }
      SplittableRandom random = new SplittableRandom(11);
      for (int step = 0; step < 40; step++) {
        List<Session> members = new ArrayList<>();
        List<Session> references = new ArrayList<>();
        for (int i = 0; i < policies.length; i++) {
          if (random.nextInt(3) > 0) {
            members.add(together.get(i));
            references.add(alone.get(i));
          }
        }
        if (!members.isEmpty()) {
          int[] next = RandomTokens.of(model, members.size(), 100 + step);
          batch.append(members, next);
          for (int i = 0; i < next.length; i++) {
            references.get(i).append(next[i]);
            assertSame(members.get(i), references.get(i));
          }
          assertCandidatesAreTheirs(batch, members, 1 + random.nextInt(60));
        }
      }
      // Alone again: the session goes on from where the batch left it.
      together.get(0).append(RandomTokens.of(model, 9, 7));
      alone.get(0).append(RandomTokens.of(model, 9, 7));
      assertSame(together.get(0), alone.get(0));
    } finally {
      together.forEach(Session::close);
      alone.forEach(Session::close);
    }
  }

  @Test
  void theLikeliestAreAppended() {
    checkLikeliest(model);
  }

  /**
   * What is appended is what each stream's logits say, whether the device goes on by itself or the
   * host has to choose: members change, and some go on alone for a token. Streams of their own that
   * get the same tokens say the same.
   */
  static void checkLikeliest(Model model) {
    CachePolicy[] policies = {SMALL, CachePolicy.streaming(0, 7), CachePolicy.dense(), SMALL};
    List<Session> sessions = new ArrayList<>();
    List<Session> alone = new ArrayList<>();
    try (SessionBatch batch = model.newBatch(policies.length)) {
      for (int i = 0; i < policies.length; i++) {
        sessions.add(model.newSession(policies[i]));
        alone.add(model.newSession(policies[i]));
        sessions.get(i).append(RandomTokens.of(model, 1 + 13 * i, i));
        alone.get(i).append(RandomTokens.of(model, 1 + 13 * i, i));
      }
      SplittableRandom random = new SplittableRandom(12);
      List<Session> members = List.copyOf(sessions);
      for (int step = 0; step < 80; step++) {
        if (random.nextInt(8) == 0) {
          List<Session> others = new ArrayList<>(sessions);
          Collections.shuffle(others, new Random(step));
          members = others.subList(0, 1 + random.nextInt(others.size()));
        }
        if (random.nextInt(8) == 0) {
          int single = random.nextInt(sessions.size());
          sessions.get(single).append(step);
          alone.get(single).append(step);
        }
        int[] expected =
            members.stream().mapToInt(session -> session.candidates(1).ids()[0]).toArray();
        assertThat(batch.appendLikeliest(members)).isEqualTo(expected);
        assertCandidatesAreTheirs(batch, members, 3);
        for (int i = 0; i < expected.length; i++) {
          Session reference = alone.get(sessions.indexOf(members.get(i)));
          reference.append(expected[i]);
          assertThat(members.get(i).position()).isEqualTo(reference.position());
          assertThat(members.get(i).logits()).containsExactly(reference.logits(), within(2e-3f));
        }
      }
    } finally {
      sessions.forEach(Session::close);
      alone.forEach(Session::close);
    }
  }

  /** The stream goes on from the token that was appended. */
  @Test
  void theLikeliestTokensAreThoseOfTheStreams() {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL);
        Session alone = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      batch.append(List.of(a, b), 1, 2);
      alone.append(2);
      for (int i = 0; i < 40; i++) {
        alone.append(batch.appendLikeliest(List.of(a, b))[1]);
        assertSame(b, alone);
      }
    }
  }

  @Test
  void stepsTakeNoMemory() {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      batch.append(List.of(a, b), 1, 2);
      batch.appendLikeliest(List.of(a, b));
      long before = Device.allocatedBytes();
      for (int i = 0; i < 100; i++) {
        batch.append(List.of(a, b), 3, 4);
        batch.appendLikeliest(List.of(a, b));
      }
      assertThat(Device.allocatedBytes()).isEqualTo(before);
    }
  }

  @Test
  void refusesWhatDoesNotGoTogether() {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      a.append(1);
      b.append(1);
      refused(() -> batch.append(List.of(a, a), 1, 1), "is in the batch twice");
      refused(() -> batch.appendLikeliest(List.of(a, a)), "is in the batch twice");
      refused(() -> batch.appendLikeliest(List.of()), "0 sessions; expected 1 to 2");
      b.dropLast(1);
      assertThatThrownBy(() -> batch.appendLikeliest(List.of(a, b)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no logits");
      assertThat(a.position()).isEqualTo(1);
      b.append(1);
      refused(() -> batch.append(List.of(a, b), 1), "1 tokens for 2 sessions");
      refused(() -> batch.append(List.of(), new int[0]), "0 sessions; expected 1 to 2");
      refused(() -> batch.append(List.of(a, b), 1, 1 << 20), "token 1 of 2 has id 1048576");
      assertThat(List.of(a.position(), b.position())).containsExactly(1L, 1L);
      refused(() -> model.newBatch(0), "streams: 0; expected 1 to 256");
      assertThatThrownBy(model::close)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("3 open session(s) or batch(es)");
    }
  }

  /** Where a step begins some streams with a sink token and cannot take another one's. */
  @Test
  void refusedStepsBeginNoStream() {
    long limit = model.cacheBytes(CachePolicy.streaming(0, 64)); // what 320 tokens take
    ModelOptions options =
        ModelOptions.defaults().withKvType(KvType.F32).withSinkToken(3).withMemoryLimit(limit);
    try (Model sinks = Model.open(EmbeddedModel.DIRECTORY, options);
        Session fresh = sinks.newSession(SMALL);
        Session recomputed = sinks.newSession(CachePolicy.recompute(8));
        Session full = sinks.newSession(CachePolicy.dense());
        SessionBatch batch = sinks.newBatch(2)) {
      Session closed = sinks.newSession(SMALL);
      closed.close();
      refused(() -> batch.append(List.of(fresh, fresh), 1, 1), "is in the batch twice");
      assertThat(fresh.position()).isZero();
      refused(() -> batch.append(List.of(fresh, recomputed), 1, 1), "cache policy recompute:8");
      assertThat(fresh.position()).isZero();
      assertThatThrownBy(() -> batch.append(List.of(fresh, closed), 1, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the session is closed");
      assertThat(fresh.position()).isZero();
      full.append(RandomTokens.of(model, 319, 1));
      assertThatThrownBy(() -> batch.append(List.of(fresh, full), 1, 1))
          .isInstanceOf(MemoryLimitException.class);
      assertThat(List.of(fresh.position(), full.position())).containsExactly(0L, 320L);
      batch.append(List.of(fresh), 1);
      assertThat(fresh.position()).isEqualTo(2);
    }
  }

  /** Logits that are no longer those of the last step are not chosen from. */
  @Test
  void theLikeliestAreChosenFromTheNewestLogits() {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2);
        SessionBatch other = model.newBatch(2)) {
      batch.append(List.of(a, b), 1, 2);
      other.append(List.of(b), 77);
      int[] expected = {a.candidates(1).ids()[0], b.candidates(1).ids()[0]};
      assertThat(batch.appendLikeliest(List.of(a, b))).isEqualTo(expected);
      batch.append(List.of(a, b), 3, 4);
      b.dropLast(1);
      assertThatThrownBy(() -> batch.appendLikeliest(List.of(a, b)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("no logits");
      assertThat(List.of(a.position(), b.position())).containsExactly(3L, 3L);
    }
  }

  /** What a batch appended counts among the tokens that a penalty makes less likely. */
  @Test
  void penaltiesKnowWhatABatchAppended() {
    Sampler penalised = new Sampler(Sampling.greedy().withRepetitionPenalty(50, 64), Set.of());
    try (Session a = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(1)) {
      batch.append(List.of(a), 1);
      Set<Integer> appended = new HashSet<>(Set.of(1));
      int likeliest = a.candidates(1).ids()[0];
      while (appended.add(likeliest)) { // until the model repeats itself
        assertThat(batch.appendLikeliest(List.of(a))).containsExactly(likeliest);
        likeliest = a.candidates(1).ids()[0];
      }
      assertThat(a.position()).isLessThan(64);
      assertThat(a.step(penalised)).isNotIn(appended);
    }
  }

  @Test
  void belongsToItsThread() throws Exception {
    try (Session a = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(1);
        ExecutorService other = Executors.newSingleThreadExecutor()) {
      batch.append(List.of(a), 1);
      for (ThrowingCallable call :
          List.<ThrowingCallable>of(
              () -> batch.candidates(1), () -> batch.append(List.of(a), 1), batch::close)) {
        assertThat(other.submit(() -> catchThrowable(call)).get())
            .isInstanceOf(WrongThreadException.class)
            .hasMessageContaining("a batch belongs to the thread that started it");
      }
      assertThat(batch.candidates(1)).hasSize(1);
    }
  }

  @Test
  void refusedLikeliestStepsChangeNothing() {
    long limit = model.cacheBytes(CachePolicy.streaming(0, 64)); // what 320 tokens take
    ModelOptions options = ModelOptions.defaults().withKvType(KvType.F32).withMemoryLimit(limit);
    try (Model limited = Model.open(EmbeddedModel.DIRECTORY, options);
        Session a = limited.newSession(SMALL);
        Session recomputed = limited.newSession(CachePolicy.recompute(8))) {
      Session full = limited.newSession(CachePolicy.dense());
      SessionBatch batch = limited.newBatch(2);
      full.append(RandomTokens.of(limited, 319, 2));
      batch.append(List.of(a, full), 1, 1);
      float[] logits = a.logits();
      assertThatThrownBy(() -> batch.appendLikeliest(List.of(a, full)))
          .isInstanceOf(MemoryLimitException.class);
      recomputed.append(1);
      refused(() -> batch.appendLikeliest(List.of(a, recomputed)), "cache policy recompute:8");
      full.close();
      assertThatThrownBy(() -> batch.appendLikeliest(List.of(a, full)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the session is closed");
      assertThat(List.of(a.position(), recomputed.position())).containsExactly(1L, 1L);
      assertThat(a.logits()).isEqualTo(logits);
      batch.close();
      assertThatThrownBy(() -> batch.appendLikeliest(List.of(a)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the batch is closed");
    }
  }

  @Test
  void candidatesAreThereAfterAStepAndUntilItIsClosed() {
    try (Session a = model.newSession(SMALL)) {
      SessionBatch batch = model.newBatch(2);
      assertThatThrownBy(() -> batch.candidates(1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("append tokens first");
      batch.append(List.of(a), 1);
      assertCandidatesAreTheirs(batch, List.of(a), model.info().vocabulary());
      refused(() -> batch.candidates(0), "the 0 largest; expected 1 to ");
      batch.close();
      assertThatThrownBy(() -> batch.candidates(1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the batch is closed");
    }
  }

  private static void refused(Runnable call, String words) {
    assertThatThrownBy(call::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(words);
  }
}
