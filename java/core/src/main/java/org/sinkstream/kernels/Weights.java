package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;
import org.sinkstream.kernels.ffi.sks_weight_part;

/**
 * A weight matrix [rows, columns] on a device, stacked from one or more tensors ({@code linear.h}).
 * Immutable and thread-safe.
 */
public final class Weights {
  private final MemorySegment handle;
  private final int rows;
  private final int columns;

  /**
   * One tensor of a stacked matrix.
   *
   * @param data [rows, columns] row-major, of {@code type}; must outlive the matrix where it is not
   *     packed and the device shares the host's memory
   * @param type element type of {@code data}
   * @param rows output channels of this tensor
   * @param bias [rows], or null for none
   * @param packed whether to copy it into the order in which the kernels read it, which round or
   *     quantise their input then; float32 and float16 never are
   */
  public record Part(
      MemorySegment data, ElementType type, int rows, float @Nullable [] bias, boolean packed) {
    /** The same, to be left where it is. */
    public Part unpacked() {
      return new Part(data, type, rows, bias, false);
    }

    private void check(int columns) {
      long bytes = Math.multiplyExact(rows, type.bytes(columns));
      if (data.byteSize() != bytes) {
        throw new IllegalArgumentException(
            "weights [%d, %d] of %s take %d bytes, the memory has %d"
                .formatted(rows, columns, type, bytes, data.byteSize()));
      }
      if (bias != null && bias.length != rows) {
        throw new IllegalArgumentException(
            "bias has %d values, the weights %d rows".formatted(bias.length, rows));
      }
    }
  }

  /**
   * Stacks tensors of equal width, in order.
   *
   * @param arena owns the matrix; must not outlive the parts' data
   */
  public Weights(Device device, Arena arena, int columns, List<Part> parts) {
    this.columns = columns;
    this.rows = parts.stream().mapToInt(Part::rows).reduce(0, Math::addExact);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment array = sks_weight_part.allocateArray(parts.size(), call);
      for (int i = 0; i < parts.size(); i++) {
        Part part = parts.get(i);
        part.check(columns);
        MemorySegment bias =
            part.bias == null ? MemorySegment.NULL : call.allocateFrom(JAVA_FLOAT, part.bias);
        MemorySegment entry = sks_weight_part.asSlice(array, i);
        sks_weight_part.data(entry, part.data);
        sks_weight_part.bias(entry, bias);
        sks_weight_part.rows(entry, part.rows);
        sks_weight_part.type(entry, part.type.code());
        sks_weight_part.packed(entry, part.packed ? 1 : 0);
      }
      this.handle =
          NativeCalls.own(
              arena,
              out ->
                  Sinkstream.sks_weights_create(device.handle(), columns, array, parts.size(), out),
              Sinkstream::sks_weights_destroy);
    }
    if (!device.sharesHostMemory()) {
      parts.stream()
          .map(Part::data)
          .filter(MemorySegment::isMapped)
          .forEach(MemorySegment::unload); // copied, or all of the file would count as resident
    }
  }

  /** Output channels of all parts together. */
  public int rows() {
    return rows;
  }

  /** Input channels. */
  public int columns() {
    return columns;
  }

  /** Bytes of it that a linear layer with one row reads. */
  public long bytes() {
    return Sinkstream.sks_weights_bytes(handle);
  }

  MemorySegment handle() {
    return handle;
  }
}
