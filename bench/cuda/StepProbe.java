import java.util.Arrays;
import org.sinkstream.CachePolicy;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.Session;
import org.sinkstream.SyntheticShape;
import org.sinkstream.Token;
import org.sinkstream.WeightType;

/**
 * What of a decoding step is the GPU's and what the host's, through the public API: steps that
 * nobody waits for (what the GPU takes), a step with all its logits, with the likeliest token, and
 * generation, greedy and sampled. Started as
 *
 * <pre>java -cp 'CLASSES_AND_JARS' bench/cuda/StepProbe.java llama-2-7b F16 4+1020 4+4092</pre>
 */
final class StepProbe {
  private static final int ROUNDS = 5;
  private static final int STEPS = 40;
  private static final int WARM_UP = 3000;

  private StepProbe() {}

  public static void main(String[] arguments) {
    ModelOptions options = ModelOptions.defaults().withDevice("cuda");
    SyntheticShape shape = SyntheticShape.parse(arguments[0]);
    warmUpJava(options);
    try (Model model = Model.synthetic(shape, WeightType.valueOf(arguments[1]), options)) {
      for (String policy : Arrays.copyOfRange(arguments, 2, arguments.length)) {
        try (Session session = model.newSession(CachePolicy.parse(policy))) {
          session.append(new int[8192]);
          System.out.printf("%s %s %s: ", arguments[0], arguments[1], policy);
          measure(session);
        }
      }
    }
  }

  /** So that what is measured is compiled: many steps of a small model. */
  private static void warmUpJava(ModelOptions options) {
    SyntheticShape small = SyntheticShape.parse("tinyllama-1.1b");
    try (Model model = Model.synthetic(small, WeightType.Q4_0, options);
        Session session = model.newSession(CachePolicy.parse("4+60"))) {
      session.append(1);
      for (int i = 0; i < WARM_UP; i++) {
        session.append(1);
        session.candidates(1);
        session.logits();
      }
      generate(session, GenerationOptions.greedy(WARM_UP), new double[WARM_UP], 0);
      generate(session, GenerationOptions.of(WARM_UP, 42), new double[WARM_UP], 0);
    }
  }

  /** Round after round, so that a card that changes its speed changes it for all. */
  private static void measure(Session session) {
    double[] alone = new double[ROUNDS];
    double[] call = new double[ROUNDS * STEPS];
    double[] all = new double[ROUNDS * STEPS];
    double[] likeliest = new double[ROUNDS * STEPS];
    double[] greedy = new double[ROUNDS * STEPS];
    double[] sampled = new double[ROUNDS * STEPS];
    for (int round = 0; round < ROUNDS; round++) {
      session.candidates(1);
      long begin = System.nanoTime();
      for (int i = 0; i < STEPS; i++) {
        session.append(1);
      }
      session.candidates(1);
      alone[round] = (double) (System.nanoTime() - begin) / STEPS;
      for (int i = round * STEPS; i < (round + 1) * STEPS; i++) {
        begin = System.nanoTime();
        session.append(1);
        call[i] = System.nanoTime() - begin;
        session.logits();
        all[i] = System.nanoTime() - begin;
        begin = System.nanoTime();
        session.append(1);
        session.candidates(1);
        likeliest[i] = System.nanoTime() - begin;
      }
      generate(session, GenerationOptions.greedy(STEPS), greedy, round * STEPS);
      generate(session, GenerationOptions.of(STEPS, 42), sampled, round * STEPS);
    }
    System.out.printf(
        "back to back %.0f us; append and candidates(1) %.0f us; append and logits() %.0f us, of"
            + " which append %.1f; generate, greedy %.0f us (host %.1f %%), top-k 40 %.0f us (host"
            + " %.1f %%)%n",
        median(alone),
        median(likeliest),
        median(all),
        median(call),
        median(greedy),
        share(alone, greedy),
        median(sampled),
        share(alone, sampled));
  }

  /** Generates as many tokens as the options say and notes what each takes. */
  private static void generate(
      Session session, GenerationOptions options, double[] taken, int from) {
    int count = from;
    long last = System.nanoTime();
    for (Token ignored : session.generate(options.withoutEnd())) {
      long now = System.nanoTime();
      taken[count++] = now - last;
      last = now;
    }
  }

  /** What of a step is not the GPU's, in percent. */
  private static double share(double[] alone, double[] step) {
    return 100 * (1 - median(alone) / median(step));
  }

  /** In microseconds. */
  static double median(double[] nanoseconds) {
    double[] sorted = nanoseconds.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2] / 1e3;
  }
}
