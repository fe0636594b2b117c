import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.Session;
import org.sinkstream.SessionBatch;
import org.sinkstream.SyntheticShape;
import org.sinkstream.WeightType;

/**
 * What of a step of several streams is the GPU's and what the host's, through the public API: steps
 * that nobody waits for (what the GPU takes), steps of which somebody waits for one stream's
 * likeliest token, and for every stream's. Started as
 *
 * <pre>java -cp 'CLASSES_AND_JARS' bench/cuda/BatchProbe.java llama-2-7b F16 64 4+252 4+1020</pre>
 */
final class BatchProbe {
  private static final int ROUNDS = 5;
  private static final int STEPS = 40;
  private static final int CHUNK = 64;

  /** So that what is measured is compiled. */
  private static final int WARM_UP = 1000;

  private BatchProbe() {}

  public static void main(String[] arguments) {
    ModelOptions options = ModelOptions.defaults().withDevice("cuda").withChunk(CHUNK);
    SyntheticShape shape = SyntheticShape.parse(arguments[0]);
    WeightType type = WeightType.valueOf(arguments[1]);
    int streams = Integer.parseInt(arguments[2]);
    try (Model small = Model.synthetic(SyntheticShape.TINYLLAMA_1_1B, type, options)) {
      System.out.print("warm-up: ");
      measure(small, CachePolicy.parse("4+60"), streams, 1, WARM_UP);
    }
    try (Model model = Model.synthetic(shape, type, options)) {
      for (String policy : Arrays.copyOfRange(arguments, 3, arguments.length)) {
        System.out.printf("%s %s, %d streams of %s: ", shape, type, streams, policy);
        measure(model, CachePolicy.parse(policy), streams, ROUNDS, STEPS);
      }
    }
  }

  /** Round after round, so that a card that changes its speed changes it for all. */
  private static void measure(Model model, CachePolicy policy, int streams, int rounds, int steps) {
    List<Session> sessions = new ArrayList<>();
    try (SessionBatch batch = model.newBatch(streams)) {
      for (int i = 0; i < streams; i++) {
        Session session = model.newSession(policy);
        sessions.add(session);
        session.append(new int[fullAt(policy)]);
      }
      List<Session> last = sessions.subList(streams - 1, streams);
      double[] alone = new double[rounds];
      double[] ahead = new double[rounds * steps];
      double[] one = new double[rounds * steps];
      double[] call = new double[rounds * steps];
      double[] each = new double[rounds * steps];
      double[] eachCall = new double[rounds * steps];
      for (int round = 0; round < rounds; round++) {
        int from = round * steps;
        step(batch, sessions, last);
        long begin = System.nanoTime();
        for (int i = from; i < from + steps; i++) {
          ahead[i] = step(batch, sessions, List.of());
        }
        last.getFirst().candidates(1);
        alone[round] = (double) (System.nanoTime() - begin) / steps;
        waitedFor(batch, sessions, last, from, from + steps, one, call);
        waitedFor(batch, sessions, sessions, from, from + steps, each, eachCall);
      }
      System.out.printf(
          "back to back %.0f us (append %.1f); append and candidates(1) of one stream %.0f us"
              + " (append %.1f), of each %.0f us (append %.1f)%n",
          StepProbe.median(alone),
          StepProbe.median(ahead),
          StepProbe.median(one),
          StepProbe.median(call),
          StepProbe.median(each),
          StepProbe.median(eachCall));
    } finally {
      sessions.forEach(Session::close);
    }
  }

  /** Notes what steps take until the likeliest tokens of {@code asked} are known. */
  private static void waitedFor(
      SessionBatch batch,
      List<Session> sessions,
      List<Session> asked,
      int from,
      int to,
      double[] taken,
      double[] call) {
    for (int i = from; i < to; i++) {
      long begin = System.nanoTime();
      call[i] = step(batch, sessions, asked);
      taken[i] = System.nanoTime() - begin;
    }
  }

  /** A step, and what its append took, in nanoseconds. */
  private static double step(SessionBatch batch, List<Session> sessions, List<Session> asked) {
    long begin = System.nanoTime();
    batch.append(sessions, new int[sessions.size()]);
    double taken = System.nanoTime() - begin;
    asked.forEach(session -> session.candidates(1));
    return taken;
  }

  /** Tokens after which a stream's cache is full. */
  private static int fullAt(CachePolicy policy) {
    CachePolicy.Streaming kept = (CachePolicy.Streaming) policy;
    return Math.toIntExact(kept.sinks() + kept.window() + CHUNK);
  }
}
