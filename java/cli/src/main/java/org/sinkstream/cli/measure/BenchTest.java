package org.sinkstream.cli.measure;

import java.util.List;
import java.util.stream.Stream;

/**
 * One test, as llama-bench has them: how fast some tokens go through a model after a stream of some
 * depth.
 *
 * @param kind how the tokens go through
 * @param tokens how many there are, 1 or more
 * @param depth tokens that are in the stream before them
 */
public record BenchTest(Kind kind, int tokens, int depth) {
  /** How tokens go through a model. */
  public enum Kind {
    /** A prompt: together, and only the last one's logits are computed. */
    PROMPT("pp"),
    /** Text generation: one by one, each the likeliest after the one before. */
    GENERATION("tg");

    private final String prefix;

    Kind(String prefix) {
      this.prefix = prefix;
    }
  }

  /** All tests of these numbers of tokens at these depths; a number of 0 stands for no test. */
  public static List<BenchTest> all(List<Long> prompts, List<Long> generations, List<Long> depths) {
    return depths.stream()
        .flatMap(depth ->
            Stream.concat(of(Kind.PROMPT, prompts, depth), of(Kind.GENERATION, generations, depth)))
        .toList();
  }

  private static Stream<BenchTest> of(Kind kind, List<Long> tokens, long depth) {
    return tokens.stream()
        .filter(count -> count > 0)
        .map(count -> new BenchTest(kind, Math.toIntExact(count), Math.toIntExact(depth)));
  }

  /** The name without the depth, e.g. {@code pp128}. */
  public String name() {
    return kind.prefix + tokens;
  }

  /** Tokens that go through the layers together, at most. */
  public int step(int chunk) {
    return kind == Kind.PROMPT ? chunk : 1;
  }
}
