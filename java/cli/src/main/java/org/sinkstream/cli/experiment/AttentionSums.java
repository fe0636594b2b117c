package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.sinkstream.ModelInfo;

/** Attention of every token of a piece to every one before it, added up over pieces. */
final class AttentionSums {
  private final int layers;
  private final int heads;
  private final int length;
  private final double[] sums;
  private int pieces;

  AttentionSums(ModelInfo info, int length) {
    this.layers = info.layers();
    this.heads = info.heads();
    this.length = length;
    long count = Math.multiplyExact((long) layers * heads, (long) length * length);
    this.sums = new double[Math.toIntExact(count)];
  }

  /** How many pieces there are in the sums. */
  int pieces() {
    return pieces;
  }

  /** Counts a piece whose tokens were all added. */
  void pieceDone() {
    pieces++;
  }

  /**
   * Adds what a token attends to in a layer.
   *
   * @param position of the token in its piece
   * @param weights [heads, position + 1]
   */
  void add(long position, int layer, float[] weights) {
    int keys = weights.length / heads;
    for (int head = 0; head < heads; head++) {
      int to = at(layer, head, (int) position);
      for (int key = 0; key < keys; key++) {
        sums[to + key] += weights[head * keys + key];
      }
    }
  }

  private int at(int layer, int head, int query) {
    return ((layer * heads + head) * length + query) * length;
  }

  /** [attending, attended], NaN where a token cannot see another. */
  double[][] mean(int layer, int head) {
    double[][] mean = new double[length][length];
    for (int query = 0; query < length; query++) {
      for (int key = 0; key < length; key++) {
        mean[query][key] = key > query ? Double.NaN : sums[at(layer, head, query) + key] / pieces;
      }
    }
    return mean;
  }

  /** [layer, head]: of the attention of a piece's second half, what the tokens [from, to) get. */
  double[][] shares(int from, int to) {
    double[][] shares = new double[layers][heads];
    for (int layer = 0; layer < layers; layer++) {
      for (int head = 0; head < heads; head++) {
        shares[layer][head] = share(layer, head, from, to);
      }
    }
    return shares;
  }

  private double share(int layer, int head, int from, int to) {
    double sum = 0;
    for (int query = length / 2; query < length; query++) {
      for (int key = from; key < to; key++) {
        sum += sums[at(layer, head, query) + key];
      }
    }
    return sum / pieces / (length - length / 2);
  }

  /** What the first tokens would get if attention were spread evenly. */
  double even(int first) {
    return IntStream.range(length / 2, length)
        .mapToDouble(query -> (double) first / (query + 1))
        .average()
        .orElseThrow();
  }

  /** Writes the sums to a file, as a whole or not at all. */
  void save(Path file) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate((sums.length + 1) * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putDouble(pieces).asDoubleBuffer().put(sums);
    RunDirectory.write(file, bytes.array());
  }

  /** Goes on with the sums of a file, if it is there. */
  void load(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    if (bytes.length != (sums.length + 1) * Double.BYTES) {
      throw new IllegalArgumentException(
          "--resume: %s: %d bytes; expected %d, those of this model and --length"
              .formatted(file, bytes.length, (sums.length + 1L) * Double.BYTES));
    }
    ByteBuffer saved = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    pieces = (int) saved.getDouble();
    saved.asDoubleBuffer().get(sums);
  }
}
