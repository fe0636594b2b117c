package org.sinkstream.kernels;

import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Which two channels of a head are pair {@code i} of the rotation ({@code sks_rotary_layout}), of
 * {@code d} channels that are rotated.
 */
public enum RotaryLayout {
  /** {@code i} and {@code i + d / 2}: HF transformers. */
  HALF_SPLIT,
  /** {@code 2 i} and {@code 2 i + 1}: GGUF files of the Llama architecture. */
  INTERLEAVED;

  /** The value of {@code enum sks_rotary_layout}. */
  int code() {
    return switch (this) {
      case HALF_SPLIT -> Sinkstream.SKS_ROTARY_HALF_SPLIT();
      case INTERLEAVED -> Sinkstream.SKS_ROTARY_INTERLEAVED();
    };
  }
}
