package org.sinkstream.cli.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.Session;
import org.sinkstream.SessionBatch;

/** The streams that tests run on: the first one for prompts, all of them together to generate. */
public final class BenchStreams implements AutoCloseable {
  private final List<Session> sessions = new ArrayList<>();
  private final List<BenchStream> streams = new ArrayList<>();
  private final SplittableRandom random = new SplittableRandom(2);
  private final int vocabulary;
  private @Nullable SessionBatch batch;

  /**
   * Starts the streams.
   *
   * @param count how many, 1 to {@link SessionBatch#MAX_STREAMS}
   * @throws IllegalArgumentException for several under {@code recompute:L}
   */
  public BenchStreams(Model model, CachePolicy policy, int count) {
    if (count > 1 && policy instanceof CachePolicy.Recompute) {
      throw new IllegalArgumentException(
          "%d streams under %s; expected S+R or dense: nothing else is stepped together"
              .formatted(count, policy));
    }
    this.vocabulary = model.info().vocabulary();
    try {
      for (int i = 0; i < count; i++) {
        Session session = model.newSession(policy);
        sessions.add(session);
        streams.add(new BenchStream(session));
      }
      this.batch = count > 1 ? model.newBatch(count) : null;
    } catch (RuntimeException | Error failure) {
      close();
      throw failure;
    }
  }

  /** How many take part in a test. */
  public int streams(BenchTest test) {
    return test.kind() == BenchTest.Kind.PROMPT ? 1 : sessions.size();
  }

  /** Tokens of a test, of all streams together. */
  public long tokens(BenchTest test) {
    return (long) test.tokens() * streams(test);
  }

  /** Puts the streams where the test begins. */
  public void moveTo(BenchTest test) {
    streams.subList(0, streams(test)).forEach(stream -> stream.moveTo(test.depth()));
  }

  /** Runs a test where the streams stand; nanoseconds. */
  public long run(BenchTest test) {
    if (batch == null || streams(test) == 1) {
      return streams.getFirst().run(test);
    }
    int[] first = random.ints(sessions.size(), 0, vocabulary).toArray();
    long begin = System.nanoTime();
    batch.append(sessions, first);
    for (int i = 1; i < test.tokens(); i++) {
      batch.appendLikeliest(sessions);
    }
    batch.candidates(1); // a device may still be at the last step
    return System.nanoTime() - begin;
  }

  /** A device may still be at work when a call returns; what is likeliest next makes one wait. */
  public static void await(Session session) {
    session.candidates(1);
  }

  /** {@link BenchStream#bytesPerToken}, the weights shared by all streams. */
  public double bytesPerToken(BenchTest test, int chunk) {
    return streams.getFirst().bytesPerToken(test, chunk, streams(test));
  }

  /** What the caches keep. */
  public CachePolicy policy() {
    return sessions.getFirst().policy();
  }

  /** Bytes that the caches of a test's streams hold. */
  public long cacheBytes(BenchTest test) {
    return sessions.subList(0, streams(test)).stream().mapToLong(Session::cacheBytes).sum();
  }

  @Override
  public void close() {
    if (batch != null) {
      batch.close();
    }
    sessions.forEach(Session::close);
  }
}
