import java.util.Arrays;
import org.sinkstream.CachePolicy;
import org.sinkstream.Generation;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.Session;
import org.sinkstream.SyntheticShape;
import org.sinkstream.Token;
import org.sinkstream.WeightType;

/**
 * What of a decoding step is the GPU's and what the host's, through the public API: a step with its
 * logits, steps that nobody waits for (what the GPU takes), and greedy generation. Started as
 *
 * <pre>java -cp 'CLASSES_AND_JARS' bench/cuda/StepProbe.java llama-2-7b F16 4+1020 4+4092</pre>
 */
final class StepProbe {
  private static final int STEPS = 60;

  private StepProbe() {}

  public static void main(String[] arguments) {
    ModelOptions options = ModelOptions.defaults().withDevice("cuda");
    SyntheticShape shape = SyntheticShape.parse(arguments[0]);
    try (Model model = Model.synthetic(shape, WeightType.valueOf(arguments[1]), options)) {
      for (String policy : Arrays.copyOfRange(arguments, 2, arguments.length)) {
        try (Session session = model.newSession(CachePolicy.parse(policy))) {
          session.append(new int[8192]);
          for (int i = 0; i < 20; i++) {
            session.append(1);
            session.logits();
          }
          System.out.printf("%s %s %s: ", arguments[0], arguments[1], policy);
          measure(session);
        }
      }
    }
  }

  private static void measure(Session session) {
    double[] call = new double[STEPS];
    double[] whole = new double[STEPS];
    for (int i = 0; i < STEPS; i++) {
      long begin = System.nanoTime();
      session.append(i);
      call[i] = System.nanoTime() - begin;
      session.logits();
      whole[i] = System.nanoTime() - begin;
    }
    long begin = System.nanoTime();
    for (int i = 0; i < STEPS; i++) {
      session.append(i);
    }
    session.logits();
    double alone = (System.nanoTime() - begin) / (double) STEPS;
    Generation greedy = session.generate(GenerationOptions.greedy(10 + STEPS).withoutEnd());
    double[] token = new double[10 + STEPS];
    int count = 0;
    long last = System.nanoTime();
    for (Token ignored : greedy) {
      long now = System.nanoTime();
      token[count++] = now - last;
      last = now;
    }
    System.out.printf(
        "append and logits %.0f us (the call of append %.0f), append back to back %.0f us,"
            + " generate, greedy %.0f us%n",
        median(whole), median(call), alone / 1e3, median(Arrays.copyOfRange(token, 10, count)));
  }

  private static double median(double[] nanoseconds) {
    Arrays.sort(nanoseconds);
    return nanoseconds[nanoseconds.length / 2] / 1e3;
  }
}
