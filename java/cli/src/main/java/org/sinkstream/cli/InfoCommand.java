package org.sinkstream.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.sinkstream.CachePolicy;
import org.sinkstream.GpuInfo;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.NativeInfo;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** Says what a model is and how it would run. */
@Command(
    name = "info",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "What a model is, what its cache takes, and what it runs on.")
final class InfoCommand implements Callable<Integer> {
  private final Streams streams;

  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final CacheMixin cache = new CacheMixin();

  @Option(names = "--json", description = "One JSON object instead of the table.")
  private boolean json;

  InfoCommand(Streams streams) {
    this.streams = streams;
  }

  @Override
  public Integer call() throws Exception {
    try (Model opened = model.open()) {
      CachePolicy policy = cache.policy(opened);
      if (json) {
        Json.print(streams, json(opened.info(), policy, opened.cacheBytes(policy)));
      } else {
        streams.out().print(table(opened.info(), policy, opened.cacheBytes(policy)));
      }
      return 0;
    }
  }

  private ObjectNode json(ModelInfo info, CachePolicy policy, long cacheBytes) {
    ObjectNode result =
        Json.object()
            .put("version", Version.number())
            .put("native_version", NativeInfo.loaded().version())
            .put("native_library", NativeInfo.loaded().file().toString())
            .put("architecture", info.architecture())
            .put("layers", info.layers())
            .put("hidden", info.hidden())
            .put("heads", info.heads())
            .put("kv_heads", info.kvHeads())
            .put("head_dim", info.headDim())
            .put("vocabulary", info.vocabulary())
            .put("trained_context", info.trainedContext())
            .put("sink_logits", info.sinkLogits())
            .put("sink_token", sinkToken(info))
            .put("parameters", info.parameters());
    info.weightTypes().forEach(result.putArray("weight_types")::add);
    result
        .put("weight_bytes", info.weightBytes())
        .put("cache", policy.toString())
        .put("cache_bytes", cacheBytes);
    Json.addModel(result, model, info);
    GpuInfo gpu = GpuInfo.find();
    ObjectNode cuda = result.putObject("cuda").put("present", gpu.isPresent());
    gpu.absence()
        .ifPresentOrElse(
            why -> cuda.put("reason", why),
            () ->
                cuda.put("name", gpu.name())
                    .put("kernels", gpu.kernels())
                    .put("memory_bytes", gpu.memoryBytes())
                    .put("available_bytes", gpu.availableBytes()));
    return result;
  }

  private String table(ModelInfo info, CachePolicy policy, long cacheBytes) {
    return String.format(
        Locale.ROOT,
        """
        model            %s
        architecture     %s
        shape            %d layers, hidden %d, %d heads, %d key-value heads, head_dim %d
        vocabulary       %d
        trained context  %d
        sinks            %s
        parameters       %d in %s, %d bytes
        cache            %s in %s, %d bytes
        activations      %s
        device           %s, %s kernels, %d threads
        cuda             %s
        version          %s, native library %s
        native library   %s
        """,
        model.name(),
        info.architecture(),
        info.layers(),
        info.hidden(),
        info.heads(),
        info.kvHeads(),
        info.headDim(),
        info.vocabulary(),
        info.trainedContext(),
        sinks(info),
        info.parameters(),
        String.join(", ", info.weightTypes()),
        info.weightBytes(),
        policy,
        info.kvType(),
        cacheBytes,
        model.activations(),
        info.device(),
        info.kernels(),
        info.threads(),
        gpu(GpuInfo.find()),
        Version.number(),
        NativeInfo.loaded().version(),
        NativeInfo.loaded().file());
  }

  private static String gpu(GpuInfo gpu) {
    return gpu.absence()
        .map(why -> "none: " + why)
        .orElseGet(() ->
            "%s, %s, %d of %d bytes free"
                .formatted(gpu.name(), gpu.kernels(), gpu.availableBytes(), gpu.memoryBytes()));
  }

  private static @Nullable Integer sinkToken(ModelInfo info) {
    return info.sinkToken().isPresent() ? info.sinkToken().getAsInt() : null;
  }

  private static String sinks(ModelInfo info) {
    String logits = info.sinkLogits() ? "sink logits" : "no sink logits";
    return info.sinkToken().isPresent()
        ? "%s, sink token %d".formatted(logits, info.sinkToken().getAsInt())
        : logits + ", no sink token";
  }
}
