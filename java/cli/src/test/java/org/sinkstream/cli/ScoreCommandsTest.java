package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** {@code perplexity} and {@code logits}: two views of the same numbers. */
final class ScoreCommandsTest {
  private static final int VOCABULARY = 4096;
  private static final int TOKENS = 40;

  @TempDir Path directory;
  private int[] tokens;
  private String ids;

  @BeforeEach
  void writeIds() throws IOException {
    tokens = new Random(20).ints(TOKENS, 3, VOCABULARY).toArray();
    tokens[0] = 1;
    ids = Cli.writeIds(directory.resolve("ids"), tokens).toString();
  }

  private float[] logits(String cache, String chunk) throws IOException {
    Path out = directory.resolve("logits");
    Cli.Result result =
        Cli.run(
            "logits",
            "--ids",
            ids,
            "--out",
            out.toString(),
            "--cache",
            cache,
            "--chunk",
            chunk,
            "--kv-type",
            "f32",
            "--activations",
            "f32");
    assertThat(result).isEqualTo(new Cli.Result(0, "", ""));
    return Cli.readFloats(out);
  }

  private double nll(float[] logits, int row) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < VOCABULARY; i++) {
      max = Math.max(max, logits[row * VOCABULARY + i]);
    }
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      sum += Math.exp(logits[row * VOCABULARY + i] - max);
    }
    return max + Math.log(sum) - logits[row * VOCABULARY + tokens[row + 1]];
  }

  @ParameterizedTest
  @ValueSource(strings = {"dense", "4+8", "0+12", "recompute:12"})
  void lossesAreThoseOfTheLogits(String cache) throws IOException {
    float[] logits = logits(cache, "7");
    assertThat(logits).hasSize(TOKENS * VOCABULARY);
    Path out = directory.resolve("nll");
    JsonNode json =
        Cli.run(
                "perplexity",
                "--ids",
                ids,
                "--nll-out",
                out.toString(),
                "--cache",
                cache,
                "--chunk",
                "16",
                "--kv-type",
                "f32",
                "--activations",
                "f32",
                "--json")
            .json();
    float[] losses = Cli.readFloats(out);
    assertThat(losses).hasSize(TOKENS - 1);
    double sum = 0;
    for (int row = 0; row < losses.length; row++) {
      assertThat((double) losses[row]).isCloseTo(nll(logits, row), within(1e-3));
      sum += losses[row];
    }
    double mean = sum / losses.length;
    assertThat(json.get("nll_mean").asDouble()).isCloseTo(mean, within(1e-5));
    assertThat(json.get("perplexity").asDouble())
        .isCloseTo(Math.exp(json.get("nll_mean").asDouble()), within(1e-6));
    assertThat(json.get("cache").asString()).isEqualTo(cache);
    assertThat(json.get("tokens").asInt()).isEqualTo(TOKENS);
    assertThat(json.get("predicted").asInt()).isEqualTo(TOKENS - 1);
    assertThat(json.get("tokens_per_second").asDouble()).isPositive();
    assertThat(json.get("cache_bytes").asLong()).isPositive();
    assertThat(json.has("peak_rss_bytes")).isTrue();
    assertThat(json.get("kv_type").asString()).isEqualTo("f32");
    assertThat(json.get("kernels").asString()).isNotEmpty();
    assertThat(json.get("threads").asInt()).isPositive();
    assertThat(json.get("model").asString()).isNotEmpty();
  }

  @Test
  void logitsDoNotDependOnTheChunk() throws IOException {
    float[] one = logits("4+8", "1");
    for (String chunk : new String[] {"7", "4096"}) {
      float[] other = logits("4+8", chunk);
      for (int i = 0; i < one.length; i++) {
        assertThat(other[i]).isCloseTo(one[i], within(1e-3f));
      }
    }
  }

  @Test
  void denseSaysBeforehandThatItWouldNotFit() throws IOException {
    int[] many = new Random(21).ints(2000, 3, VOCABULARY).toArray();
    String file = Cli.writeIds(directory.resolve("many"), many).toString();
    Path out = directory.resolve("out");
    for (String[] command : new String[][] {{"perplexity", "--nll-out"}, {"logits", "--out"}}) {
      Cli.Result refused =
          Cli.run(
              command[0],
              "--ids",
              file,
              command[1],
              out.toString(),
              "--cache",
              "dense",
              "--memory-limit",
              "5MiB");
      assertThat(refused.code()).isEqualTo(2);
      assertThat(refused.out()).isEmpty();
      assertThat(refused.err())
          .contains("a dense cache of 2000 tokens takes 6144000 bytes")
          .contains("the memory limit is 5242880 bytes, which 1696 tokens fit")
          .hasLineCount(1);
      assertThat(out).doesNotExist();
    }
  }

  @Test
  void aSinkTokenStandsInFront() throws IOException {
    Path put = directory.resolve("put");
    Path given = directory.resolve("given");
    int[] behind = new int[TOKENS + 1];
    behind[0] = 3;
    System.arraycopy(tokens, 0, behind, 1, TOKENS);
    String longer = Cli.writeIds(directory.resolve("longer"), behind).toString();
    JsonNode json =
        Cli.run(
                "perplexity",
                "--ids",
                ids,
                "--sink-token",
                "3",
                "--nll-out",
                put.toString(),
                "--json")
            .json();
    Cli.run("perplexity", "--ids", longer, "--nll-out", given.toString());
    assertThat(json.get("position").asInt()).isEqualTo(TOKENS + 1);
    assertThat(json.get("tokens").asInt()).isEqualTo(TOKENS);
    float[] expected = Cli.readFloats(given);
    assertThat(Cli.readFloats(put))
        .containsExactly(Arrays.copyOfRange(expected, 1, expected.length), within(1e-2f));
  }

  @Test
  void maxTokensCutsTheStream() throws IOException {
    Path out = directory.resolve("nll");
    Cli.Result result =
        Cli.run("perplexity", "--ids", ids, "--max-tokens", "10", "--nll-out", out.toString());
    assertThat(result.code()).isZero();
    assertThat(result.out()).contains("tokens      10, 9 of them predicted").contains("perplexity");
    assertThat(Cli.readFloats(out)).hasSize(9);
  }

  @Test
  void textsBeginWithTheSpecialTokens() throws IOException {
    Path text = Files.writeString(directory.resolve("text"), "Once");
    JsonNode one = Cli.run("perplexity", "-f", text.toString(), "--json").json();
    Files.writeString(text, "");
    assertThat(one.get("tokens").asInt()).isGreaterThan(1);
    assertThat(Cli.run("perplexity", "-f", text.toString()).err()).contains("1 token(s)");
  }

  @Test
  void aFailureLeavesTheOldFile() throws IOException {
    Path out = Files.writeString(directory.resolve("out"), "old");
    try (FloatFile file = new FloatFile(out)) {
      for (int i = 0; i < 100_000; i++) {
        file.write(i);
      }
    }
    assertThat(out).hasContent("old");
    Cli.writeIds(directory.resolve("ids"), 1, VOCABULARY);
    assertThat(Cli.run("logits", "--ids", ids, "--out", out.toString()).code()).isEqualTo(2);
    assertThat(out).hasContent("old");
    try (Stream<Path> left = Files.list(directory)) {
      assertThat(left).containsExactlyInAnyOrder(out, directory.resolve("ids"));
    }
  }
}
