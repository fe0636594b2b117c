package org.sinkstream.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.sinkstream.kernels.ElementType;

/**
 * Writes a GGUF file, version 3, front to back: the header at once, then each tensor's data as they
 * come, padded. What is written never has to be in memory as a whole. Not thread-safe.
 */
public final class GgufWriter {
  /** Each tensor's data begin at a multiple of so many bytes. */
  public static final int ALIGNMENT = GgufHeader.DEFAULT_ALIGNMENT;

  private static final int VERSION = 3;

  private final OutputStream out;
  private final List<Tensor> tensors;
  private final long headerBytes;
  private int current;
  private long written;

  /**
   * A tensor to write.
   *
   * @param shape outermost dimension first, as everywhere but in the file
   */
  public record Tensor(String name, ElementType type, List<Long> shape) {
    /** Copies the shape. */
    public Tensor {
      shape = List.copyOf(shape);
    }

    /** Bytes of its data. */
    public long bytes() {
      long rows = shape.stream().limit(shape.size() - 1L).reduce(1L, Math::multiplyExact);
      return Math.multiplyExact(rows, type.bytes(shape.getLast()));
    }
  }

  /**
   * Writes the header.
   *
   * @param tensors in the order of their data
   */
  public GgufWriter(OutputStream out, GgufEntries metadata, List<Tensor> tensors)
      throws IOException {
    this.out = out;
    this.tensors = List.copyOf(tensors);
    byte[] header = header(metadata, tensors);
    headerBytes = padded(header.length);
    out.write(header);
    pad(header.length);
  }

  /** Bytes of the header, which are written already. */
  public long headerBytes() {
    return headerBytes;
  }

  /** Bytes of the whole file. */
  public static long fileBytes(GgufEntries metadata, List<Tensor> tensors) {
    long bytes = padded(header(metadata, tensors).length);
    for (Tensor tensor : tensors) {
      bytes = Math.addExact(bytes, padded(tensor.bytes()));
    }
    return bytes;
  }

  private static byte[] header(GgufEntries metadata, List<Tensor> tensors) {
    byte[] entries = metadata.toBytes();
    int size = 2 * Integer.BYTES + 2 * Long.BYTES + entries.length;
    for (Tensor tensor : tensors) {
      size += utf8(tensor).length + (tensor.shape.size() + 2) * Long.BYTES + 2 * Integer.BYTES;
    }
    ByteBuffer header = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(GgufHeader.MAGIC).putInt(VERSION);
    header.putLong(tensors.size()).putLong(metadata.count()).put(entries);
    long offset = 0;
    for (Tensor tensor : tensors) {
      byte[] name = utf8(tensor);
      header.putLong(name.length).put(name).putInt(tensor.shape.size());
      tensor.shape.reversed().forEach(header::putLong);
      header.putInt(GgmlType.of(tensor.type).number()).putLong(offset);
      offset += padded(tensor.bytes());
    }
    return header.array();
  }

  private static byte[] utf8(Tensor tensor) {
    byte[] name = tensor.name.getBytes(StandardCharsets.UTF_8);
    if (name.length > GgufHeader.MAX_NAME_BYTES) {
      throw new IllegalArgumentException(
          "tensor %s: a name of %d bytes; expected at most %d"
              .formatted(tensor.name, name.length, GgufHeader.MAX_NAME_BYTES));
    }
    return name;
  }

  /**
   * Writes the next bytes of the data, of one tensor at a time.
   *
   * @return how many bytes that were, padding included
   * @throws IllegalStateException if the tensor has fewer left
   */
  public long write(byte[] data, int count) throws IOException {
    if (current == tensors.size() || count > tensors.get(current).bytes() - written) {
      throw new IllegalStateException("%d bytes more than tensor %d has".formatted(count, current));
    }
    out.write(data, 0, count);
    written += count;
    if (written < tensors.get(current).bytes()) {
      return count;
    }
    int padding = pad(written);
    written = 0;
    current++;
    return (long) count + padding;
  }

  /**
   * Says that all data are written.
   *
   * @throws IllegalStateException if they are not
   */
  public void finish() {
    if (current < tensors.size()) {
      throw new IllegalStateException(
          "tensor %d of %d is not whole".formatted(current, tensors.size()));
    }
  }

  private int pad(long size) throws IOException {
    int padding = (int) (padded(size) - size);
    out.write(new byte[padding]);
    return padding;
  }

  private static long padded(long size) {
    return Math.addExact(size, GgufHeader.DEFAULT_ALIGNMENT - 1L) & -GgufHeader.DEFAULT_ALIGNMENT;
  }
}
