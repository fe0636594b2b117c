package org.sinkstream.bench;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.ModelOptions;
import org.sinkstream.Session;
import org.sinkstream.SyntheticShape;
import org.sinkstream.WeightType;

/**
 * One decoding step, logits included, with a full cache of 4 sink tokens and 1,020 recent ones: of
 * the embedded model, and of TinyLlama-1.1B's shape. Started from the project's root, where the
 * embedded model's files are.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 2)
@NullUnmarked // JMH fills the state
public class StepBenchmark {
  private static final String EMBEDDED = "llama-mini";

  @Param({EMBEDDED, "tinyllama-1.1b"})
  String shape;

  private Model model;
  private Session session;

  /** Fills the cache. */
  @Setup(Level.Trial)
  public void fill() {
    model =
        shape.equals(EMBEDDED)
            ? Model.open(Path.of("models", EMBEDDED))
            : Model.synthetic(
                SyntheticShape.parse(shape), WeightType.Q4_0, ModelOptions.defaults());
    session = model.newSession(CachePolicy.streaming(4, 1020));
    session.append(new int[1025]);
  }

  /** One token. */
  @Benchmark
  public Session step() {
    session.append(1);
    return session;
  }

  /** Frees the cache and the weights. */
  @TearDown(Level.Trial)
  public void close() {
    session.close();
    model.close();
  }
}
