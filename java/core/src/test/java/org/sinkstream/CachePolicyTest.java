package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CachePolicyTest {
  @ParameterizedTest
  @ValueSource(strings = {"4+1020", "0+1", "dense", "recompute:1", "recompute:16777216"})
  void isWrittenAsItIsRead(String text) {
    assertThat(CachePolicy.parse(text)).hasToString(text);
  }

  @Test
  void kinds() {
    assertThat(CachePolicy.parse("4+60")).isEqualTo(CachePolicy.streaming(4, 60));
    assertThat(CachePolicy.parse("dense")).isEqualTo(CachePolicy.dense());
    assertThat(CachePolicy.parse("recompute:64")).isEqualTo(CachePolicy.recompute(64));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "4",
        "4+",
        "+4",
        "4+0",
        "-1+4",
        "Dense",
        "dense ",
        "recompute",
        "recompute:",
        "recompute:0",
        "recompute:-1",
        "recompute:16777217",
        "recompute:999999999999999999",
        "recompute:9999999999999999999",
        "recompute:4+4",
        "9999999999999999999+1"
      })
  void refusesAnythingElse(String text) {
    assertThatThrownBy(() -> CachePolicy.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected");
  }
}
