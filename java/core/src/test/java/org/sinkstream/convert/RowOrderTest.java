package org.sinkstream.convert;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.checkpoint.Config;
import org.sinkstream.graph.ModelConfig;

/** Orders of rows on heads that are small enough to write down. */
class RowOrderTest {
  @TempDir Path directory;

  private ModelConfig falcon(int heads, int kvHeads) throws IOException {
    Path file = directory.resolve("config.json");
    Files.writeString(
        file,
        """
        {"model_type": "falcon", "hidden_size": %d, "num_hidden_layers": 1, "vocab_size": 8,
         "num_attention_heads": %d, "num_kv_heads": %d, "new_decoder_architecture": true,
         "layer_norm_epsilon": 1e-5}
        """
            .formatted(8 * heads, heads, kvHeads));
    return ModelConfig.read(Config.read(file));
  }

  private static int[] sources(RowOrder order, int rows) {
    return IntStream.range(0, rows).map(order::source).toArray();
  }

  @Test
  void pairsOfARotationComeSideBySide() throws IOException {
    assertThat(sources(RowOrder.interleaved(falcon(2, 1)), 16))
        .containsExactly(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15);
  }

  @Test
  void headsOfAKindComeTogether() throws IOException {
    // Two groups of two queries q, a key k and a value v: q0 q1 k0 v0 q2 q3 k1 v1.
    int[] heads = {0, 1, 4, 5, 2, 6, 3, 7};
    int[] expected =
        IntStream.of(heads).flatMap(head -> IntStream.range(8 * head, 8 * head + 8)).toArray();
    assertThat(sources(RowOrder.stacked(falcon(4, 2)), 64)).isEqualTo(expected);
  }

  @Test
  void oneKeyForAllQueriesIsInOrder() throws IOException {
    assertThat(sources(RowOrder.stacked(falcon(4, 1)), 48))
        .isEqualTo(IntStream.range(0, 48).toArray());
  }
}
