package org.sinkstream.convert;

import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.RopeConfig;
import org.sinkstream.kernels.QkvLayout;

/** Which row of a Hugging Face tensor a row of the GGUF tensor is. */
@FunctionalInterface
public interface RowOrder {
  /** The same one. */
  RowOrder SAME = row -> row;

  /** The row to take for {@code row}. */
  int source(int row);

  /**
   * From rotated pairs half a rotation apart to pairs side by side, head by head: row {@code 2 i +
   * j} is row {@code i + j * rotaryDim / 2}.
   */
  static RowOrder interleaved(ModelConfig config) {
    int headDim = config.headDim();
    int rotaryDim = config.rope().map(RopeConfig::rotaryDim).orElse(0);
    return row -> {
      int channel = row % headDim;
      return channel < rotaryDim
          ? row - channel + channel / 2 + channel % 2 * (rotaryDim / 2)
          : row;
    };
  }

  /** From queries, key and value of each KV group to all queries, all keys, all values. */
  static RowOrder stacked(ModelConfig config) {
    int headDim = config.headDim();
    int group = config.heads() / config.kvHeads();
    int queries = config.heads() * headDim;
    int keys = config.kvHeads() * headDim;
    QkvLayout from = QkvLayout.grouped(config.heads(), config.kvHeads(), headDim);
    return row -> {
      int channel = row % headDim;
      if (row < queries) {
        int head = row / headDim;
        return from.query()
            + head / group * from.queryGroupStride()
            + head % group * headDim
            + channel;
      }
      boolean key = row < queries + keys;
      int head = (row - queries - (key ? 0 : keys)) / headDim;
      return (key ? from.key() : from.value()) + head * from.keyStride() + channel;
    };
  }
}
