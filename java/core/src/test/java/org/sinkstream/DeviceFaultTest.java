package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.sinkstream.testing.FailingDevice.assertFails;

import java.util.List;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.FailingDevice;
import org.sinkstream.testing.RandomTokens;

/** Streams on a device that fails: their tokens stay, their logits are told to be lost. */
class DeviceFaultTest {
  private static final CachePolicy SMALL = CachePolicy.streaming(4, 20);
  private static final int SINK = 5;
  private static Model model;

  @BeforeAll
  static void open() {
    model =
        Model.open(
            EmbeddedModel.DIRECTORY,
            ModelOptions.defaults()
                .withKvType(KvType.F32)
                .withActivations(Activations.F32)
                .withSinkToken(SINK),
            FailingDevice.open());
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  private static void assertNoLogits(ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("no logits");
  }

  /** What comes after a failure is what would have come without. */
  private static void assertGoesOn(Session session, int... tokens) {
    session.append(7);
    try (Session other = model.newSession(SMALL)) {
      other.append(tokens);
      other.append(7);
      assertThat(session.position()).isEqualTo(other.position());
      assertThat(session.logits()).containsExactly(other.logits(), within(1e-3f));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "batch_commit"})
  void anAppendThatFails(String operation) {
    try (Session session = model.newSession(SMALL)) {
      session.append(1, 2);
      assertFails(operation, () -> session.append(3));
      assertThat(session.position()).isEqualTo(3);
      assertNoLogits(session::logits);
      assertNoLogits(() -> session.generate(GenerationOptions.greedy(1)));
      assertGoesOn(session, 1, 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "choice_wait", "batch_commit"})
  void aGreedyStepThatFails(String operation) {
    Sampler greedy = new Sampler(Sampling.greedy(), Set.of());
    try (Session session = model.newSession(SMALL)) {
      session.append(1, 2);
      assertFails(operation, () -> session.step(greedy));
      assertThat(session.position()).isEqualTo(3);
      assertNoLogits(() -> session.step(greedy));
      assertGoesOn(session, 1, 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "choice_wait", "batch_commit"})
  void aLikeliestStepOfABatchThatFails(String operation) {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      batch.append(List.of(a, b), 1, 2);
      assertFails(operation, () -> batch.appendLikeliest(List.of(a, b)));
      assertThat(List.of(a.position(), b.position())).containsExactly(2L, 2L);
      assertNoLogits(() -> batch.appendLikeliest(List.of(a, b)));
      assertNoLogits(() -> batch.candidates(1));
      assertNoLogits(a::logits);
      assertGoesOn(a, 1);
      assertGoesOn(b, 2);
    }
  }

  /** Whether what fails is the sink token's own step or the one behind it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aStepOfABatchThatFailsBeginsNoStream(int after) {
    try (Session begun = model.newSession(SMALL);
        Session fresh = model.newSession(SMALL);
        SessionBatch batch = model.newBatch(2)) {
      batch.append(List.of(begun), 1);
      assertFails("batch_commit", after, () -> batch.append(List.of(begun, fresh), 2, 3));
      assertThat(List.of(begun.position(), fresh.position())).containsExactly(2L, 0L);
      assertNoLogits(fresh::logits);
      assertGoesOn(begun, 1);
    }
  }

  /** Whether what fails is the sink token's own step or the one behind it. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aFirstAppendThatFailsBeginsNoStream(int after) {
    try (Session session = model.newSession(SMALL)) {
      for (ThrowingCallable first :
          List.<ThrowingCallable>of(
              () -> session.append(1, 2),
              () -> session.score(1, 2),
              () -> session.observe(new int[] {1, 2}, (position, layer, weights) -> {}))) {
        assertFails("batch_commit", after, first);
        assertThat(session.position()).isZero();
        assertNoLogits(session::logits);
      }
      assertGoesOn(session);
    }
  }

  /** The loss of a first token behind its sink token, and those of others from a chunk's logits. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aScoreThatFailsBeginsNoStream(int after) {
    try (Session session = model.newSession(SMALL)) {
      assertFails("nll", after, () -> session.score(1, 2));
      assertThat(session.position()).isZero();
      assertGoesOn(session);
    }
  }

  /** Wherever it fails: in the chunk itself, or in the logits that are computed after it. */
  @ParameterizedTest
  @ValueSource(strings = {"4+20", "0+20", "dense", "recompute:24"})
  void whateverFailsTheTokensStay(String policy) {
    Sampler greedy = new Sampler(Sampling.greedy(), Set.of());
    for (int after : new int[] {0, 7, 14, 21, 24}) { // a pass has 25: those of six layers, the head
      try (Session session = model.newSession(CachePolicy.parse(policy));
          Session other = model.newSession(CachePolicy.parse(policy))) {
        session.append(RandomTokens.of(model, 40, 1)); // the ring is full
        other.append(RandomTokens.of(model, 40, 1));
        for (ThrowingCallable call :
            List.<ThrowingCallable>of(
                () -> session.append(3),
                () -> session.score(3, 4),
                () -> session.append(new int[] {3, 4}, (position, logits) -> {}),
                () -> session.step(greedy))) {
          session.append(5);
          other.append(5);
          assertFails("linear", after, call);
          assertThat(session.position()).isEqualTo(other.position());
          session.append(6);
          other.append(6);
          assertThat(session.logits()).containsExactly(other.logits(), within(1e-3f));
        }
      }
    }
  }

  @Test
  void aVisitorThatThrowsLeavesTheTokens() {
    try (Session session = model.newSession(SMALL)) {
      session.append(1);
      assertThatThrownBy(() ->
              session.append(
                  new int[] {2, 3},
                  (position, logits) -> {
                    throw new UnsupportedOperationException();
                  }))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(session.position()).isEqualTo(2);
      assertNoLogits(session::logits);
      assertGoesOn(session, 1);
    }
  }

  @Test
  void aBatchClosesAlsoWhereLogitsCannotBeKept() {
    try (Session a = model.newSession(SMALL);
        Session b = model.newSession(SMALL)) {
      SessionBatch batch = model.newBatch(2);
      batch.append(List.of(a, b), 1, 2);
      assertFails("copy", batch::close);
      batch.close();
      assertNoLogits(a::logits);
      assertNoLogits(b::logits);
      assertGoesOn(b, 2);
    }
  }
}
