package org.sinkstream.convert;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.sinkstream.checkpoint.GgufWriter;
import org.sinkstream.checkpoint.TensorView;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.Operations;

/**
 * One tensor on its way.
 *
 * @param source where it is
 * @param target what it becomes
 * @param order whose rows are which; a vector's elements count as rows
 */
public record Piece(TensorView source, GgufWriter.Tensor target, RowOrder order) {
  /** Values of a row. */
  public int columns() {
    List<Long> shape = source.shape();
    return shape.size() < 2 ? 1 : Math.toIntExact(shape.getLast());
  }

  /** How many rows there are. */
  public int rows() {
    return Math.toIntExact(source.shape().stream().reduce(1L, Math::multiplyExact) / columns());
  }

  /**
   * Reads some of the target's rows.
   *
   * @param floats gets [count, columns]
   */
  public void read(Operations operations, int first, int count, MemorySegment floats) {
    int done = 0;
    while (done < count) {
      int from = order.source(first + done);
      int run = 1;
      while (done + run < count && order.source(first + done + run) == from + run) {
        run++;
      }
      long values = (long) run * columns();
      MemorySegment rows = source.data().asSlice(bytes(from), source.type().bytes(values));
      long offset = ElementType.F32.bytes((long) done * columns());
      operations.widen(rows, source.type(), values, floats.asSlice(offset));
      done += run;
    }
  }

  private long bytes(int rows) {
    return Math.multiplyExact(rows, source.type().bytes(columns()));
  }
}
