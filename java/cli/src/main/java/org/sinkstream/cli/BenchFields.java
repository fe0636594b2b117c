package org.sinkstream.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.cli.measure.BenchResult;
import org.sinkstream.cli.measure.BenchTest;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is told of a test: the result, and with what it was measured.
 *
 * @param source what the user named
 * @param loadSeconds what it took to open the model
 * @param nativeBytes bytes the native library held when it was open: packed weights above all
 */
record BenchFields(BenchModel source, Model model, double loadSeconds, long nativeBytes) {
  /** All that is known, in the fields of the CSV and the JSON. */
  ObjectNode of(BenchResult result) {
    ModelInfo info = model.info();
    ObjectNode fields =
        Json.object()
            .put("test", result.test().name())
            .put("depth", result.test().depth())
            .put("tokens_per_second", result.mean())
            .put("stddev", result.stddev())
            .put("repetitions", result.tokensPerSecond().length)
            .put("streams", result.streams())
            .put("bytes_per_token", result.bytesPerToken())
            .put("bandwidth", result.bandwidth())
            .put("bandwidth_share", result.bandwidthShare())
            .put("cache", result.policy().toString())
            .put("cache_bytes", result.cacheBytes())
            .put("architecture", info.architecture())
            .put("type", type())
            .put("parameters", info.parameters())
            .put("weight_bytes", info.weightBytes())
            .put("load_seconds", loadSeconds)
            .put("native_bytes", nativeBytes)
            .put("repack", source.repack());
    return source.addTo(fields, info).put("version", Version.number());
  }

  /** The model, its size and what it runs on, as llama-bench names them. */
  String row(BenchResult result) {
    ModelInfo info = model.info();
    return String.format(
        Locale.ROOT,
        "| %s %s | %s MiB | %.2f B | %s | %d | %s | %s | %s | %.2f ± %.2f | %s | %.1f %% | %s |%n",
        source.name(),
        type(),
        mebibytes((double) info.weightBytes()),
        info.parameters() / 1e9,
        info.kernels(),
        info.threads(),
        info.kvType(),
        result.policy(),
        testName(result),
        result.mean(),
        result.stddev(),
        mebibytes(result.bytesPerToken()),
        100 * result.bandwidthShare(),
        mebibytes((double) result.cacheBytes()));
  }

  private static String testName(BenchResult result) {
    BenchTest test = result.test();
    String streams = result.streams() == 1 ? "" : " x " + result.streams();
    return test.name() + streams + (test.depth() == 0 ? "" : " @ d" + test.depth());
  }

  /** The two lines above the first {@link #row}. */
  static String tableHead() {
    return """
    | model | size | params | kernels | threads | kv | cache | test | t/s | MiB/token | of bandwidth | cache MiB |
    | ----- | ---: | -----: | ------- | ------: | -- | ----- | ---- | --: | --------: | -----------: | --------: |
    """;
  }

  private static String mebibytes(double bytes) {
    return String.format(Locale.ROOT, "%.2f", bytes / (1 << 20));
  }

  /** The types of the matrices, e.g. {@code q4_k+q6_k}: vectors beside them are mostly float32. */
  private String type() {
    List<String> types = new ArrayList<>(model.info().weightTypes());
    if (types.size() > 1) {
      types.remove("f32");
    }
    return String.join("+", types);
  }
}
