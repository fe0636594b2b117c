package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.sinkstream.cli.measure.BenchResult;
import tools.jackson.databind.JsonNode;

final class BenchCommandTest {
  /** 6 layers x 2 heads x 64 channels x 2 bytes, keys and values. */
  private static final int TOKEN_BYTES = 3072;

  /** All but 13 norms of 256 and the embedding of 4096 x 256 in bf16, which is only looked up. */
  private static final long STEP_BYTES = 2 * (6524160 - 13 * 256 - 4096 * 256);

  private static Cli.Result bench(String... arguments) {
    String[] all = new String[arguments.length + 3];
    System.arraycopy(arguments, 0, all, 3, arguments.length);
    all[0] = "bench";
    all[1] = "-r";
    all[2] = "2";
    return Cli.run(all);
  }

  private static List<String> tests(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .map(each -> each.get("test").asString() + "@" + each.get("depth").asInt())
        .toList();
  }

  @Test
  void jsonHasOneObjectForEachTest() {
    Cli.Result result =
        bench("-p", "5,3", "-n", "2", "--depth", "0,40", "--cache", "4+28", "--json");
    assertThat(result.code()).isZero();
    assertThat(result.err()).isEmpty();
    JsonNode array = result.json();
    assertThat(tests(array))
        .containsExactly("pp5@0", "pp3@0", "tg2@0", "pp5@40", "pp3@40", "tg2@40");
    long cacheBytes =
        Cli.run("info", "--json", "--cache", "4+28").json().get("cache_bytes").asLong();
    for (JsonNode each : array) {
      assertThat(each.get("tokens_per_second").asDouble()).isPositive();
      assertThat(each.get("stddev").asDouble()).isNotNegative();
      assertThat(each.get("repetitions").asInt()).isEqualTo(2);
      assertThat(each.get("bandwidth").asDouble()).isGreaterThan(1e8);
      assertThat(each.get("bandwidth_share").asDouble())
          .isEqualTo(
              each.get("tokens_per_second").asDouble()
                  * each.get("bytes_per_token").asDouble()
                  / each.get("bandwidth").asDouble(),
              within(1e-9));
      assertThat(each.get("cache").asString()).isEqualTo("4+28");
      assertThat(each.get("cache_bytes").asLong()).isEqualTo(cacheBytes);
      assertThat(each.get("model").asString()).isEqualTo("llama-mini (embedded)");
      assertThat(each.get("type").asString()).isEqualTo("bf16");
      assertThat(each.get("weight_bytes").asLong()).isEqualTo(2 * 6524160);
      assertThat(each.get("load_seconds").asDouble()).isPositive();
      assertThat(each.get("native_bytes").asLong()).isGreaterThan(STEP_BYTES);
      assertThat(each.get("repack").asBoolean()).isTrue();
      assertThat(each.get("kv_type").asString()).isEqualTo("f16");
      assertThat(each.get("kernels").asString()).isNotEmpty();
      assertThat(each.get("threads").asInt()).isPositive();
    }
  }

  @Test
  void bytesPerTokenAreWeightsAndCacheOfEveryStep() {
    JsonNode array =
        bench(
                "-p",
                "5",
                "-n",
                "2",
                "--depth",
                "0,9,1000",
                "--cache",
                "4+28",
                "--chunk",
                "3",
                "--json")
            .json();
    // A prompt of 5 in chunks of 3 and 2; a step sees the tokens before it and its own.
    assertThat(bytes(array, 0)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (3 + 5)) / 5.0);
    assertThat(bytes(array, 1)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (1 + 2)) / 2.0);
    assertThat(bytes(array, 2)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (12 + 14)) / 5.0);
    assertThat(bytes(array, 3)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (10 + 11)) / 2.0);
    // Beyond the cache: what is in it, whatever the depth.
    assertThat(bytes(array, 4)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (32 + 3 + 32 + 2)) / 5.0);
    assertThat(bytes(array, 5)).isEqualTo((2 * STEP_BYTES + TOKEN_BYTES * (33 + 33)) / 2.0);
  }

  @Test
  void streamsGenerateTogetherAndShareTheWeights() {
    JsonNode array =
        bench("-p", "4", "-n", "2", "--streams", "3", "-d", "9", "--cache", "4+28", "--json")
            .json();
    assertThat(array.get(0).get("streams").asInt()).isEqualTo(1);
    assertThat(array.get(1).get("streams").asInt()).isEqualTo(3);
    assertThat(bytes(array, 1))
        .isEqualTo((2 * STEP_BYTES / 3.0 + TOKEN_BYTES * (10 + 11)) / 2.0, within(1e-6));
    assertThat(array.get(1).get("cache_bytes").asLong())
        .isEqualTo(3 * array.get(0).get("cache_bytes").asLong());
    assertThat(bench("-p", "0", "-n", "1", "--streams", "2").out()).contains("| tg1 x 2 |");
  }

  @Test
  void streamsThatComputeAgainAreRefusedBeforeAnyTest() {
    Cli.Result result = bench("-p", "4", "-n", "2", "--streams", "2", "--cache", "recompute:8");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).contains("2 streams under recompute:8; expected S+R or dense");
  }

  private static double bytes(JsonNode array, int index) {
    return array.get(index).get("bytes_per_token").asDouble();
  }

  @Test
  void aDenseCacheGrowsWithTheDepth() {
    JsonNode array =
        bench("-p", "0", "-n", "1", "-d", "0,2000", "--cache", "dense", "--json").json();
    assertThat(tests(array)).containsExactly("tg1@0", "tg1@2000");
    assertThat(array.get(1).get("cache_bytes").asLong())
        .isGreaterThanOrEqualTo(2000L * TOKEN_BYTES)
        .isGreaterThan(array.get(0).get("cache_bytes").asLong());
  }

  @Test
  void recomputedTokensReadThePassAgain() {
    JsonNode array =
        bench("-p", "0", "-n", "2", "-d", "8,64", "--cache", "recompute:32", "--json").json();
    assertThat(tests(array)).containsExactly("tg2@8", "tg2@64");
    double weights = bytes(array, 0) - 9.5 * TOKEN_BYTES; // of one step, behind 8 and 9 tokens
    assertThat(bytes(array, 1)).isEqualTo(weights + 32 * TOKEN_BYTES);
  }

  @Test
  void theTableAndTheCsvSayTheSame() {
    List<String> table = bench("-p", "4", "-n", "2", "-d", "7").out().lines().toList();
    assertThat(table).hasSize(4);
    assertThat(table.get(0)).contains("| test | t/s |");
    assertThat(table.get(2)).matches(".*\\| pp4 @ d7 \\| \\d+\\.\\d\\d ± \\d+\\.\\d\\d \\|.*");
    assertThat(table.get(3)).contains("| tg2 @ d7 |").contains("| 4+1019 |");
    assertThat(table.stream().map(row -> row.chars().filter(c -> c == '|').count()).distinct())
        .hasSize(1);

    List<String> csv = bench("-p", "4", "-n", "2", "-d", "7", "--csv").out().lines().toList();
    assertThat(csv).hasSize(3);
    assertThat(csv.get(0)).startsWith("test,depth,tokens_per_second,stddev,");
    assertThat(csv.get(1)).startsWith("pp4,7,");
    assertThat(csv.get(2)).startsWith("tg2,7,");
    assertThat(csv.stream().map(line -> line.split(",", -1).length).distinct()).hasSize(1);
  }

  @Test
  void theMedianOfFigures() {
    assertThat(BenchResult.median(3, 1, 2)).isEqualTo(2);
    assertThat(BenchResult.median(4, 1, 2, 3)).isEqualTo(2.5);
  }
}
