package org.sinkstream.checkpoint;

import java.util.Optional;

/** Types of GGUF metadata values; an ordinal is the type's number in the file. */
enum GgufValueType {
  UINT8(1),
  INT8(1),
  UINT16(2),
  INT16(2),
  UINT32(4),
  INT32(4),
  FLOAT32(4),
  BOOL(1),
  STRING(Long.BYTES),
  ARRAY(Integer.BYTES + Long.BYTES),
  UINT64(8),
  INT64(8),
  FLOAT64(8);

  private final int leastBytes;

  GgufValueType(int leastBytes) {
    this.leastBytes = leastBytes;
  }

  /** Bytes of a value; of a string or an array, those in front of its content. */
  int leastBytes() {
    return leastBytes;
  }

  /** The type's number in the file. */
  @SuppressWarnings("EnumOrdinal") // the order is the format's
  int number() {
    return ordinal();
  }

  /** The type of that number; empty where there is none. */
  static Optional<GgufValueType> numbered(int number) {
    GgufValueType[] all = values();
    return number < 0 || number >= all.length ? Optional.empty() : Optional.of(all[number]);
  }
}
