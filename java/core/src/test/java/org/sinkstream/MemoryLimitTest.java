package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.MemoryLimitException;
import org.sinkstream.testing.EmbeddedModel;

/** A cache takes no more than it may, and says so before it starts where the length is known. */
class MemoryLimitTest {
  /** Bytes of the embedded model's keys and values for 16 tokens in f16, a block. */
  private static final long BLOCK = 16L * 6 * 2 * 2 * 64 * 2;

  private static final long LIMIT = 100 * BLOCK + 7;

  private static Model open(long limit) {
    return Model.open(EmbeddedModel.DIRECTORY, ModelOptions.defaults().withMemoryLimit(limit));
  }

  private static int[] tokens(int count) {
    return new SplittableRandom(1).ints(count, 0, 4096).toArray();
  }

  @Test
  void denseGrowsToTheLimitAndNoFurther() {
    try (Model model = open(LIMIT);
        Session session = model.newSession(CachePolicy.dense())) {
      for (int size : new int[] {256, 1, 43, 256, 600, 1, 400, 43}) {
        session.append(tokens(size));
        assertThat(session.cacheBytes()).isLessThanOrEqualTo(LIMIT);
      }
      assertThat(session.position()).isEqualTo(1600);
      assertThat(session.cacheBytes()).isEqualTo(100 * BLOCK);
      MemoryLimitException refused =
          catchThrowableOfType(MemoryLimitException.class, () -> session.append(7));
      assertThat(refused)
          .hasMessageContaining(
              "a dense cache of 1601 tokens takes %d bytes".formatted(101 * BLOCK))
          .hasMessageContaining("limit is %d bytes, which 1600 tokens fit".formatted(LIMIT));
      assertThat(refused.requiredBytes()).isEqualTo(101 * BLOCK);
      assertThat(refused.limitBytes()).isEqualTo(LIMIT);
      assertThat(refused.fittingTokens()).isEqualTo(1600);
      assertThatThrownBy(() -> session.generate(GenerationOptions.greedy(1), token -> {}))
          .isInstanceOf(MemoryLimitException.class);
      assertThat(session.position()).isEqualTo(1600);
      session.dropLast(1);
      session.append(7);
      assertThat(session.position()).isEqualTo(1600);
    }
  }

  @Test
  void refusesBeforeItStarts() {
    try (Model model = open(LIMIT);
        Session session = model.newSession(CachePolicy.dense())) {
      assertThatThrownBy(() -> session.append(tokens(1601)))
          .isInstanceOf(MemoryLimitException.class);
      assertThatThrownBy(() -> session.score(tokens(1601)))
          .isInstanceOf(MemoryLimitException.class);
      assertThatThrownBy(() -> session.reserve(1601)).isInstanceOf(MemoryLimitException.class);
      assertThatThrownBy(() -> session.reserve(Long.MAX_VALUE))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining("more than 2^63 bytes");
      assertThatThrownBy(() -> session.reserve(-1)).isInstanceOf(IllegalArgumentException.class);
      assertThat(session.position()).isZero();
      session.reserve(1600);
      assertThat(session.cacheBytes()).isEqualTo(100 * BLOCK);
      session.append(tokens(1600));
      assertThat(session.cacheBytes()).isEqualTo(100 * BLOCK);
    }
  }

  @Test
  void theSinkTokenTakesRoomToo() {
    ModelOptions options = ModelOptions.defaults().withMemoryLimit(LIMIT).withSinkToken(3);
    try (Model model = Model.open(EmbeddedModel.DIRECTORY, options);
        Session session = model.newSession(CachePolicy.dense())) {
      assertThatThrownBy(() -> session.reserve(1600)).isInstanceOf(MemoryLimitException.class);
      session.reserve(1599);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dense", "4+2000", "recompute:2000"})
  void noCacheStartsAboveTheLimit(String text) {
    CachePolicy policy = CachePolicy.parse(text);
    try (Model model = open(10 * BLOCK)) {
      assertThatThrownBy(() -> model.newSession(policy))
          .isInstanceOf(MemoryLimitException.class)
          .hasMessageContaining(
              "a cache for %s takes %d bytes".formatted(policy, model.cacheBytes(policy)))
          .hasMessageContaining("which 160 tokens fit");
    }
  }

  /** Of 16 channels a head: less than a block of Q8_0 has. */
  @ParameterizedTest
  @EnumSource
  void aTokenTakesItsRows(KvType type) {
    ModelOptions options = ModelOptions.defaults().withKvType(type);
    try (Model model = Model.open(Path.of("src/test/resources/golden/llama2-gqa"), options)) {
      ModelInfo info = model.info();
      assertThat(info.headDim()).isEqualTo(16);
      int row = type == KvType.Q8_0 ? 16 + 2 : type == KvType.F32 ? 16 * 4 : 16 * 2;
      assertThat(info.tokenBytes()).isEqualTo(2L * info.layers() * info.kvHeads() * row);
    }
  }

  @Test
  void othersNeedNoMore() {
    try (Model model = open(LIMIT);
        Session streaming = model.newSession(CachePolicy.streaming(4, 20));
        Session recompute = model.newSession(CachePolicy.recompute(24))) {
      streaming.reserve(Long.MAX_VALUE);
      recompute.reserve(Long.MAX_VALUE);
      assertThat(streaming.cacheBytes()).isLessThanOrEqualTo(LIMIT);
    }
  }
}
