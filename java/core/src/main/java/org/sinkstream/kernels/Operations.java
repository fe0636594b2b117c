package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The operations of a device over tensors, shapes checked. {@code rows} is how many rows of the
 * tensors take part. Thread-safe as long as callers do not share outputs.
 *
 * @param device where they run
 */
public record Operations(Device device) {
  /**
   * {@code y[r] = table[ids[r]]}.
   *
   * @param ids at least {@code rows} int32, in device memory
   * @throws IllegalArgumentException for an id outside the table
   */
  public void embed(Weights table, MemorySegment ids, int rows, Tensor y) {
    y.require("embedding rows", rows, table.columns());
    NativeCalls.check(
        Sinkstream.sks_embed(
            device.handle(), table.handle(), ints("ids", ids, rows), rows, y.data()));
  }

  /** {@code y = norm(x)}, row by row. */
  public void normalize(Norm norm, Tensor x, int rows, Tensor y) {
    x.require("input of the norm", rows, norm.columns());
    y.require("output of the norm", rows, norm.columns());
    NativeCalls.check(
        Sinkstream.sks_normalize(
            device.handle(), norm.handle(), x.data(), rows, x.columns(), y.data()));
  }

  /** {@code x = min(max(x, -limit), limit)} in place. */
  public void clamp(Tensor x, int rows, float limit) {
    NativeCalls.check(Sinkstream.sks_clamp(device.handle(), x.data(), elements(x, rows), limit));
  }

  /**
   * The {@code k} largest of each of the first rows of logits.
   *
   * @param k 1 to the number of columns
   * @return as many as rows
   */
  public List<TopK> topK(Tensor logits, int rows, int k) {
    logits.require("logits", rows, logits.columns());
    if (k < 1 || k > logits.columns()) {
      throw new IllegalArgumentException(
          "the %d largest; expected 1 to %d".formatted(k, logits.columns()));
    }
    try (Arena call = Arena.ofConfined()) {
      MemorySegment indices = call.allocate(JAVA_INT, (long) rows * k);
      MemorySegment values = call.allocate(JAVA_FLOAT, (long) rows * k);
      NativeCalls.check(
          Sinkstream.sks_top_k(
              device.handle(), logits.data(), rows, logits.columns(), k, indices, values));
      int[] allIndices = indices.toArray(JAVA_INT);
      float[] allValues = values.toArray(JAVA_FLOAT);
      List<TopK> largest = new ArrayList<>(rows);
      for (int from = 0; from < allIndices.length; from += k) {
        largest.add(
            new TopK(
                Arrays.copyOfRange(allIndices, from, from + k),
                Arrays.copyOfRange(allValues, from, from + k)));
      }
      return largest;
    }
  }

  /**
   * The negative log-likelihood, in nats, of a known token under each row of logits.
   *
   * @param targets one token id for each row
   */
  public double[] nll(Tensor logits, int rows, int[] targets) {
    logits.require("logits", rows, logits.columns());
    try (Arena call = Arena.ofConfined()) {
      MemorySegment loss = call.allocate(JAVA_DOUBLE, rows);
      NativeCalls.check(
          Sinkstream.sks_nll(
              device.handle(),
              logits.data(),
              rows,
              logits.columns(),
              ints("targets", call.allocateFrom(JAVA_INT, targets), rows),
              loss));
      return loss.toArray(JAVA_DOUBLE);
    }
  }

  /** Widens {@code count} elements in host memory to float32. */
  public float[] widen(MemorySegment source, ElementType type, int count) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment target = call.allocate(JAVA_FLOAT, count);
      widen(source, type, count, target);
      return target.toArray(JAVA_FLOAT);
    }
  }

  /**
   * Widens {@code count} elements to float32, in host memory.
   *
   * @param target room for as many floats
   */
  public void widen(MemorySegment source, ElementType type, long count, MemorySegment target) {
    requireBytes("source", source, type.bytes(count));
    requireBytes("target", target, ElementType.F32.bytes(count));
    NativeCalls.check(
        Sinkstream.sks_widen(device.host().handle(), source, type.code(), count, target));
  }

  /**
   * Narrows a matrix of float32 in host memory to another type, row after row.
   *
   * @param source [rows, columns]
   * @param target room for as much of {@code type}
   * @throws IllegalArgumentException for a value that the type cannot hold, naming its row and
   *     column; nothing is written then
   */
  public void quantize(
      MemorySegment source, ElementType type, int rows, int columns, MemorySegment target) {
    requireBytes("source", source, Math.multiplyExact(rows, ElementType.F32.bytes(columns)));
    requireBytes("target", target, Math.multiplyExact(rows, type.bytes(columns)));
    NativeCalls.check(
        Sinkstream.sks_quantize(
            device.host().handle(), source, type.code(), rows, columns, target));
  }

  private static void requireBytes(String name, MemorySegment memory, long bytes) {
    if (memory.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "%s: %d bytes needed, room for %d".formatted(name, bytes, memory.byteSize()));
    }
  }

  private static long elements(Tensor x, int rows) {
    x.require("tensor", rows, x.columns());
    return (long) rows * x.columns();
  }

  private static MemorySegment ints(String name, MemorySegment segment, int count) {
    if (segment.byteSize() < (long) count * Integer.BYTES) {
      throw new IllegalArgumentException(
          "%s: %d needed, room for %d".formatted(name, count, segment.byteSize() / 4));
    }
    return segment;
  }
}
