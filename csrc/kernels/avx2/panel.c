#include "kernels/avx2/integer.h"
/* After the vocabulary they are written in. */
#include "kernels/simd/panel.h"
#include "kernels/simd/panel_bf16.h"
#include "kernels/simd/quantize.h"

void sks_avx2_panel(sks_kernels *table) {
  fill_panel(table);
  table->panel[SKS_BF16] = panel_bf16;
  table->quantize = quantize;
}
