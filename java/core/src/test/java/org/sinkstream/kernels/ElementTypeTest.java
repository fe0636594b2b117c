package org.sinkstream.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What weights take on a GPU, which says before it loads them whether they fit. */
class ElementTypeTest {
  @Test
  void aGpuWidensWhatItCannotMultiply() {
    for (ElementType type : ElementType.values()) {
      boolean widened = type == ElementType.Q4_K || type == ElementType.Q5_K;
      assertThat(type.onGpu(false)).as(type.name()).isEqualTo(widened ? ElementType.F16 : type);
    }
    assertThat(ElementType.F32.onGpu(true)).isEqualTo(ElementType.F16);
  }

  @Test
  void bytesOnAGpuAreThoseOfItsMatrices() {
    // As in cuda/kernels/matrix.h: elements, and scales of two bytes.
    assertThat(ElementType.F32.bytesOnGpu(8, 64)).isEqualTo(512 * 4);
    assertThat(ElementType.F16.bytesOnGpu(8, 64)).isEqualTo(512 * 2);
    assertThat(ElementType.Q8_0.bytesOnGpu(8, 64)).isEqualTo(512 + 512 / 32 * 2);
    assertThat(ElementType.Q4_0.bytesOnGpu(8, 64)).isEqualTo(512 / 2 + 512 / 32 * 2);
    assertThat(ElementType.Q6_K.bytesOnGpu(8, 64)).isEqualTo(512 + 512 / 16 * 2);
    assertThat(ElementType.BF16.bytesOnGpu(3, 5)).isEqualTo(3 * 16);
    assertThat(ElementType.Q8_0.bytesOnGpu(5, 32)).isEqualTo(5 * 32 + 2 * 16);
  }
}
