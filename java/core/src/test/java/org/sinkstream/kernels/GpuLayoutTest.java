package org.sinkstream.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What weights take on a GPU is known before they are loaded, and so whether they fit. */
class GpuLayoutTest {
  @Test
  void aGpuWidensWhatItCannotMultiply() {
    for (ElementType type : ElementType.values()) {
      boolean widened = type == ElementType.Q4_K || type == ElementType.Q5_K;
      assertThat(GpuLayout.heldAs(type, false))
          .as(type.name())
          .isEqualTo(widened ? ElementType.F16 : type);
    }
    assertThat(GpuLayout.heldAs(ElementType.F32, true)).isEqualTo(ElementType.F16);
  }

  @Test
  void bytesOnAGpuAreThoseOfItsMatrices() {
    // As in cuda/kernels/matrix.h: elements, and scales of two bytes.
    assertThat(GpuLayout.bytes(ElementType.F32, 8, 64)).isEqualTo(512 * 4);
    assertThat(GpuLayout.bytes(ElementType.F16, 8, 64)).isEqualTo(512 * 2);
    assertThat(GpuLayout.bytes(ElementType.Q8_0, 8, 64)).isEqualTo(512 + 512 / 32 * 2);
    assertThat(GpuLayout.bytes(ElementType.Q4_0, 8, 64)).isEqualTo(512 / 2 + 512 / 32 * 2);
    assertThat(GpuLayout.bytes(ElementType.Q6_K, 8, 64)).isEqualTo(512 + 512 / 16 * 2);
    assertThat(GpuLayout.bytes(ElementType.BF16, 3, 5)).isEqualTo(3 * 16);
    assertThat(GpuLayout.bytes(ElementType.Q8_0, 5, 32)).isEqualTo(5 * 32 + 2 * 16);
  }
}
