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
  private static final int STEPS = 100;
  private static final int WARM_UP = 40;

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
      for (int i = 0; i < 3000; i++) {
        session.append(1);
        session.candidates(1);
      }
      generate(session, GenerationOptions.greedy(3000));
      generate(session, GenerationOptions.of(3000, 42));
    }
  }

  private static void measure(Session session) {
    double[] call = new double[STEPS];
    double[] all = new double[STEPS];
    double[] likeliest = new double[STEPS];
    for (int i = -WARM_UP; i < STEPS; i++) {
      long begin = System.nanoTime();
      session.append(1);
      long appended = System.nanoTime();
      session.logits();
      long end = System.nanoTime();
      call[Math.max(i, 0)] = appended - begin;
      all[Math.max(i, 0)] = end - begin;
    }
    for (int i = -WARM_UP; i < STEPS; i++) {
      long begin = System.nanoTime();
      session.append(1);
      session.candidates(1);
      likeliest[Math.max(i, 0)] = System.nanoTime() - begin;
    }
    long begin = System.nanoTime();
    for (int i = 0; i < STEPS; i++) {
      session.append(1);
    }
    session.candidates(1);
    double alone = (System.nanoTime() - begin) / 1e3 / STEPS;
    double greedy = generate(session, GenerationOptions.greedy(WARM_UP + STEPS).withoutEnd());
    double sampled = generate(session, GenerationOptions.of(WARM_UP + STEPS, 42).withoutEnd());
    System.out.printf(
        "back to back %.0f us; append and candidates(1) %.0f us; append and logits() %.0f us, of"
            + " which append %.1f; generate, greedy %.0f us (host %.1f %%), top-k 40 %.0f us (host"
            + " %.1f %%)%n",
        alone,
        median(likeliest),
        median(all),
        median(call),
        greedy,
        100 * (greedy - alone) / greedy,
        sampled,
        100 * (sampled - alone) / sampled);
  }

  /** Microseconds of a token. */
  private static double generate(Session session, GenerationOptions options) {
    double[] taken = new double[(int) options.maxTokens()];
    int count = 0;
    long last = System.nanoTime();
    for (Token ignored : session.generate(options)) {
      long now = System.nanoTime();
      taken[count++] = now - last;
      last = now;
    }
    return median(Arrays.copyOfRange(taken, Math.min(WARM_UP, count), count));
  }

  private static double median(double[] nanoseconds) {
    double[] sorted = nanoseconds.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2] / 1e3;
  }
}
