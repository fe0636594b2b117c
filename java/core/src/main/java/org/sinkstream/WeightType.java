package org.sinkstream;

import java.util.Locale;
import org.sinkstream.convert.Mixture;
import org.sinkstream.kernels.ElementType;

/**
 * What a file's matrices are stored as; norms and biases are always float32. The mixtures are
 * llama.cpp's ({@code llama-quant.cpp}), so that a file can be called what llama.cpp calls it.
 */
public enum WeightType {
  /** IEEE binary32. */
  F32(0, ElementType.F32, ElementType.F32, ElementType.F32),
  /** IEEE binary16. */
  F16(1, ElementType.F16, ElementType.F16, ElementType.F16),
  /** bfloat16. */
  BF16(32, ElementType.BF16, ElementType.BF16, ElementType.BF16),
  /** 8 bits. */
  Q8_0(7, ElementType.Q8_0, ElementType.Q8_0, ElementType.Q8_0),
  /** 4 bits; the output head in Q6_K. */
  Q4_0(2, ElementType.Q4_0, ElementType.Q4_0, ElementType.Q6_K),
  /** 4 bits, known as Q4_K_M; the output head and half of the sensitive matrices in Q6_K. */
  Q4_K(15, ElementType.Q4_K, ElementType.Q6_K, ElementType.Q6_K),
  /** 5 bits, known as Q5_K_M; the output head and half of the sensitive matrices in Q6_K. */
  Q5_K(17, ElementType.Q5_K, ElementType.Q6_K, ElementType.Q6_K),
  /** 6 bits. */
  Q6_K(18, ElementType.Q6_K, ElementType.Q6_K, ElementType.Q6_K);

  private final int fileType;
  private final ElementType most;
  private final ElementType sensitive;
  private final ElementType head;

  WeightType(int fileType, ElementType most, ElementType sensitive, ElementType head) {
    this.fileType = fileType;
    this.most = most;
    this.sensitive = sensitive;
    this.head = head;
  }

  /** Its number in {@code enum llama_ftype}, for {@code general.file_type}. */
  int fileType() {
    return fileType;
  }

  /** What each tensor of a model with so many layers gets. */
  Mixture mixture(int layers, boolean tied) {
    return new Mixture(most, sensitive, head, layers, tied);
  }

  /** As users write it, e.g. {@code q4_k}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
