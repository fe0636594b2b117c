package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * A float32 matrix in device memory, row-major.
 *
 * @param device whose memory it is
 * @param data {@code rows * columns} floats, for the device to follow
 * @param rows how many rows there is room for
 * @param columns floats of a row
 */
public record Tensor(Device device, MemorySegment data, int rows, int columns) {
  /** Checks that the memory has exactly the shape's size. */
  public Tensor {
    long bytes = bytes(rows, columns);
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "tensor [%d, %d] takes %d bytes, the memory has %d"
              .formatted(rows, columns, bytes, data.byteSize()));
    }
  }

  private static long bytes(int rows, int columns) {
    if (rows < 1 || columns < 1) {
      throw new IllegalArgumentException(
          "tensor [%d, %d]: rows and columns must be positive".formatted(rows, columns));
    }
    return Math.multiplyExact((long) rows * columns, Float.BYTES);
  }

  /** Zeroed device memory, freed when the arena closes. */
  public static Tensor allocate(Device device, Arena arena, int rows, int columns) {
    return new Tensor(device, device.allocate(arena, bytes(rows, columns)), rows, columns);
  }

  /** One row of the given values in device memory, freed when the arena closes. */
  public static Tensor of(Device device, Arena arena, float... values) {
    Tensor tensor = allocate(device, arena, 1, values.length);
    try (Arena call = Arena.ofConfined()) {
      tensor.write(call.allocateFrom(JAVA_FLOAT, values));
    }
    return tensor;
  }

  /** The rows from {@code first} on, {@code count} of them, sharing this memory. */
  public Tensor rows(int first, int count) {
    long stride = (long) columns * Float.BYTES;
    return new Tensor(device, data.asSlice(first * stride, count * stride), count, columns);
  }

  /** A copy of one row. */
  public float[] toArray(int row) {
    try (Arena call = Arena.ofConfined()) {
      return rows(row, 1).read(call).toArray(JAVA_FLOAT);
    }
  }

  /**
   * Its floats in host memory, to be read only.
   *
   * @param allocator of the memory, where the device's is not the host's
   */
  public MemorySegment read(SegmentAllocator allocator) {
    if (device.sharesHostMemory()) {
      return data.asReadOnly();
    }
    MemorySegment copy = allocator.allocate(data.byteSize(), Float.BYTES);
    device.download(data, copy);
    return copy;
  }

  /** Takes in floats from host memory, as many as it has. */
  public void write(MemorySegment floats) {
    requireBytes(floats.byteSize());
    device.upload(floats, data);
  }

  /** Takes in the floats of another one of the same device and size. */
  public void copyFrom(Tensor other) {
    requireBytes(other.data.byteSize());
    device.copy(other.data, data);
  }

  private void requireBytes(long bytes) {
    if (bytes != data.byteSize()) {
      throw new IllegalArgumentException(
          "tensor [%d, %d] takes %d bytes, given are %d"
              .formatted(rows, columns, data.byteSize(), bytes));
    }
  }

  /** Refuses a shape that an operation cannot take. */
  void require(String name, int leastRows, int exactColumns) {
    if (rows < leastRows || columns != exactColumns) {
      throw new IllegalArgumentException(
          "%s is [%d, %d], needed is [%d, %d]"
              .formatted(name, rows, columns, leastRows, exactColumns));
    }
  }
}
