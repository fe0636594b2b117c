#include "kernels/reference/reference.h"

void sks_kernels_reference(sks_kernels *table) {
  sks_reference_attention(table);
  sks_reference_linear(table);
  sks_reference_convert(table);
  sks_reference_panel(table);
  sks_reference_quantize(table);
  sks_reference_quantize_q4_k(table);
  sks_reference_quantize_q6_k(table);
  sks_reference_norm(table);
  sks_reference_activation(table);
  sks_reference_sampling(table);
}
