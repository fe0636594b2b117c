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
 * likeliest token, and for those of all, asked for at once and one by one; and steps whose tokens
 * the GPU chooses itself. Started as
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
      Session last = sessions.getLast();
      List<Runnable> asks =
          List.of(
              () -> last.candidates(1),
              () -> batch.candidates(1),
              () -> sessions.forEach(session -> session.candidates(1)));
      double[] alone = new double[rounds];
      double[] append = new double[rounds * steps];
      double[][] asked = new double[asks.size()][rounds * steps];
      double[] likeliest = new double[rounds * steps];
      int[] tokens = new int[streams];
      for (int round = 0; round < rounds; round++) {
        int from = round * steps;
        batch.append(sessions, tokens);
        last.candidates(1);
        long begin = System.nanoTime();
        for (int i = from; i < from + steps; i++) {
          append[i] = timed(() -> batch.append(sessions, tokens));
        }
        last.candidates(1);
        alone[round] = (double) (System.nanoTime() - begin) / steps;
        for (int ask = 0; ask < asks.size(); ask++) {
          Runnable answer = asks.get(ask);
          for (int i = from; i < from + steps; i++) {
            asked[ask][i] =
                timed(
                    () -> {
                      batch.append(sessions, tokens);
                      answer.run();
                    });
          }
        }
        batch.appendLikeliest(sessions);
        for (int i = from; i < from + steps; i++) {
          likeliest[i] = timed(() -> batch.appendLikeliest(sessions));
        }
      }
      System.out.printf(
          "back to back %.0f us (append %.1f); append and candidates(1) of one stream %.0f us, of"
              + " all at once %.0f us, one by one %.0f us; appendLikeliest %.0f us%n",
          StepProbe.median(alone),
          StepProbe.median(append),
          StepProbe.median(asked[0]),
          StepProbe.median(asked[1]),
          StepProbe.median(asked[2]),
          StepProbe.median(likeliest));
    } finally {
      sessions.forEach(Session::close);
    }
  }

  private static double timed(Runnable call) {
    long begin = System.nanoTime();
    call.run();
    return System.nanoTime() - begin;
  }

  /** Tokens after which a stream's cache is full. */
  private static int fullAt(CachePolicy policy) {
    CachePolicy.Streaming kept = (CachePolicy.Streaming) policy;
    return Math.toIntExact(kept.sinks() + kept.window() + CHUNK);
  }
}
