package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sinkstream.convert.Mixture;
import org.sinkstream.kernels.ElementType;

/** Types of tensors as {@code llama-quantize} chooses them. */
class WeightTypeTest {
  private static final List<Long> MATRIX = List.of(512L, 512L);

  private static ElementType wanted(WeightType type, boolean tied, String name) {
    return type.mixture(22, tied).wanted(name, MATRIX);
  }

  @Test
  void halfOfTheSensitiveMatricesGetMoreBits() {
    // What llama-quantize does with 22 layers.
    List<Integer> more = List.of(0, 1, 4, 7, 10, 13, 16, 19, 20, 21);
    for (String name : List.of("attn_v", "attn_qkv", "ffn_down")) {
      List<Integer> found =
          IntStream.range(0, 22)
              .filter(layer -> {
                String tensor = "blk.%d.%s.weight".formatted(layer, name);
                return wanted(WeightType.Q4_K, false, tensor) == ElementType.Q6_K;
              })
              .boxed()
              .toList();
      assertThat(found).as(name).isEqualTo(more);
      assertThat(wanted(WeightType.Q5_K, false, "blk.0." + name + ".weight"))
          .isEqualTo(ElementType.Q6_K);
      assertThat(wanted(WeightType.Q4_0, false, "blk.0." + name + ".weight"))
          .isEqualTo(ElementType.Q4_0);
    }
    assertThat(wanted(WeightType.Q4_K, false, "blk.0.attn_k.weight")).isEqualTo(ElementType.Q4_K);
    assertThat(wanted(WeightType.Q4_K, false, "blk.2.ffn_down.weight")).isEqualTo(ElementType.Q4_K);
  }

  @Test
  void theHeadIsKeptBetter() {
    for (WeightType type : List.of(WeightType.Q4_0, WeightType.Q4_K, WeightType.Q5_K)) {
      assertThat(wanted(type, false, "output.weight")).isEqualTo(ElementType.Q6_K);
      assertThat(wanted(type, false, "token_embd.weight"))
          .isEqualTo(ElementType.valueOf(type.name()));
      assertThat(wanted(type, true, "token_embd.weight")).isEqualTo(ElementType.Q6_K);
    }
    assertThat(wanted(WeightType.Q8_0, true, "token_embd.weight")).isEqualTo(ElementType.Q8_0);
    assertThat(wanted(WeightType.F16, false, "output.weight")).isEqualTo(ElementType.F16);
  }

  @Test
  void vectorsStayFloat() {
    for (WeightType type : WeightType.values()) {
      assertThat(type.mixture(4, false).wanted("blk.0.attn_q.bias", List.of(64L)))
          .isEqualTo(ElementType.F32);
    }
  }

  @Test
  void rowsThatDoNotFitGetAnotherType() {
    assertThat(Mixture.instead(ElementType.Q4_K, 512)).isEmpty();
    assertThat(Mixture.instead(ElementType.Q4_K, 704)).contains(ElementType.Q8_0);
    assertThat(Mixture.instead(ElementType.Q6_K, 40)).contains(ElementType.F16);
    assertThat(Mixture.instead(ElementType.Q8_0, 48)).contains(ElementType.F16);
    assertThat(Mixture.instead(ElementType.Q4_0, 96)).isEmpty();
    assertThat(Mixture.instead(ElementType.F16, 3)).isEmpty();
  }
}
