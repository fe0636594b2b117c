package org.sinkstream.cli.measure;

import java.util.SplittableRandom;
import org.sinkstream.CachePolicy;
import org.sinkstream.GenerationOptions;
import org.sinkstream.ModelInfo;
import org.sinkstream.Session;

/** A stream whose depth can be set again and again, to run tests on it. */
public final class BenchStream {
  private final Session session;
  private final ModelInfo info;
  private final long capacity;
  private final SplittableRandom random = new SplittableRandom(1);

  public BenchStream(Session session) {
    this.session = session;
    this.info = session.model().info();
    this.capacity =
        switch (session.policy()) {
          case CachePolicy.Streaming(long sinks, long window) -> sinks + window;
          case CachePolicy.Dense() -> Long.MAX_VALUE;
          case CachePolicy.Recompute(int length) -> length;
        };
  }

  /**
   * Puts as many tokens into the cache as a stream of this depth has there. What is there already
   * stays: a full cache is the same at every position.
   */
  public void moveTo(long depth) {
    long cached = Math.min(depth, capacity);
    if (cached < capacity || session.position() < capacity) {
      takeBack(session.position() - cached);
      int missing = Math.toIntExact(cached - session.position());
      if (missing > 0) {
        session.append(tokens(missing));
        BenchStreams.await(session);
      }
    }
  }

  private void takeBack(long count) {
    try {
      session.dropLast(Math.max(count, 0));
    } catch (IllegalStateException gone) {
      session.clear(); // the rows were overwritten, and are computed anew
    }
  }

  /**
   * Runs a test where the stream stands, a prompt of random tokens or a random one that greedy
   * decoding goes on from; nanoseconds.
   */
  public long run(BenchTest test) {
    boolean generates = test.kind() == BenchTest.Kind.GENERATION;
    int[] given = tokens(generates ? 1 : test.tokens());
    long begin = System.nanoTime();
    session.append(given);
    if (generates && test.tokens() > 1) {
      session.generate(GenerationOptions.greedy(test.tokens() - 1).withoutEnd(), token -> {});
    }
    BenchStreams.await(session);
    return System.nanoTime() - begin;
  }

  private int[] tokens(int count) {
    return random.ints(count, 0, info.vocabulary()).toArray();
  }

  /**
   * Bytes for each token of a test that no kernel can do without reading: in every step the
   * weights, and the keys and values that its tokens attend to, their own among them. Where tokens
   * are computed again, those of all passes.
   *
   * @param chunk most tokens of a step
   * @param streams that are stepped together and read the weights once
   */
  public double bytesPerToken(BenchTest test, int chunk, int streams) {
    long end = (long) test.depth() + test.tokens();
    if (session.policy() instanceof CachePolicy.Recompute && end > capacity) {
      long dense = Math.max(0, capacity - test.depth());
      long passes = test.kind() == BenchTest.Kind.PROMPT ? 1 : test.tokens() - dense;
      return (stepBytes(test.depth(), dense, test.step(chunk), streams)
              + passes * stepBytes(0, capacity, chunk, streams))
          / test.tokens();
    }
    return stepBytes(test.depth(), test.tokens(), test.step(chunk), streams) / test.tokens();
  }

  /** Bytes of the steps that append {@code tokens} to a stream of this depth. */
  private double stepBytes(long depth, long tokens, int step, int streams) {
    double bytes = 0;
    for (long done = 0; done < tokens; done += step) {
      long rows = Math.min(step, tokens - done);
      long cached = Math.min(depth + done, capacity);
      bytes += (double) info.stepBytes() / streams + (double) info.tokenBytes() * (cached + rows);
    }
    return bytes;
  }
}
