package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A float32 matrix in device memory, row-major.
 *
 * @param data {@code rows * columns} floats
 * @param rows how many rows there is room for
 * @param columns floats of a row
 */
public record Tensor(MemorySegment data, int rows, int columns) {
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
    return new Tensor(device.allocate(arena, bytes(rows, columns)), rows, columns);
  }

  /** One row of the given values in device memory, freed when the arena closes. */
  public static Tensor of(Device device, Arena arena, float... values) {
    Tensor tensor = allocate(device, arena, 1, values.length);
    MemorySegment.copy(values, 0, tensor.data, JAVA_FLOAT, 0, values.length);
    return tensor;
  }

  /** The rows from {@code first} on, {@code count} of them, sharing this memory. */
  public Tensor rows(int first, int count) {
    long stride = (long) columns * Float.BYTES;
    return new Tensor(data.asSlice(first * stride, count * stride), count, columns);
  }

  /** One element. */
  public float get(int row, int column) {
    return data.getAtIndex(JAVA_FLOAT, (long) row * columns + column);
  }

  /** A copy of one row. */
  public float[] toArray(int row) {
    return rows(row, 1).data.toArray(JAVA_FLOAT);
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
