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
public record PlannedTensor(TensorView source, GgufWriter.Tensor target, RowOrder order) {
  /** Values of a row. */
  public int columns() {
    List<Long> shape = source.shape();
    return shape.size() < 2 ? 1 : Math.toIntExact(shape.getLast());
  }

  /** How many rows there are. */
  public int rows() {
    return Math.toIntExact(source.shape().stream().reduce(1L, Math::multiplyExact) / columns());
  }

  /** Whether its bytes stay as they are: floats are looked at all the same. */
  public boolean isCopied() {
    return source.type() == target.type() && source.type().blockValues() > 1;
  }

  /**
   * Reads some of the target's rows.
   *
   * @param floats gets [count, columns]
   */
  public void read(Operations operations, int first, int count, MemorySegment floats) {
    forEachRun(
        first,
        count,
        (rows, done, run) ->
            operations.widen(
                rows,
                source.type(),
                (long) run * columns(),
                floats.asSlice(ElementType.F32.bytes((long) done * columns()))));
  }

  /**
   * Copies some of the target's rows, of the type that they have.
   *
   * @param bytes gets [count, columns]
   */
  public void copy(int first, int count, MemorySegment bytes) {
    forEachRun(
        first,
        count,
        (rows, done, run) -> bytes.asSlice(bytes(done), rows.byteSize()).copyFrom(rows));
  }

  /** Takes rows that lie one after the other in the source, {@code done} rows into the target's. */
  private interface RunVisitor {
    void visit(MemorySegment rows, int done, int run);
  }

  private void forEachRun(int first, int count, RunVisitor visitor) {
    int done = 0;
    while (done < count) {
      int from = order.source(first + done);
      int run = 1;
      while (done + run < count && order.source(first + done + run) == from + run) {
        run++;
      }
      visitor.visit(source.data().asSlice(bytes(from), bytes(run)), done, run);
      done += run;
    }
  }

  private long bytes(int rows) {
    return Math.multiplyExact(rows, source.type().bytes(columns()));
  }
}
