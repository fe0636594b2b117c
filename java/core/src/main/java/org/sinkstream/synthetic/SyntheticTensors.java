package org.sinkstream.synthetic;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.checkpoint.GgufTensorName;
import org.sinkstream.graph.FalconConfig;
import org.sinkstream.graph.LlamaConfig;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.MptConfig;
import org.sinkstream.graph.PythiaConfig;

/** Which tensors a model has: names as its family has them, shapes as its config implies. */
record SyntheticTensors(ModelConfig config) {
  /** All of them, layer by layer. */
  List<SyntheticTensor> all() {
    GgufArchitecture architecture =
        GgufArchitecture.ofModelType(config.architecture()).orElseThrow();
    Stream<SyntheticTensor> inLayers =
        IntStream.range(0, config.layers())
            .mapToObj(layer -> architecture.layers() + layer + '.')
            .flatMap(prefix -> tensors(architecture, architecture.inLayers(), prefix));
    return Stream.concat(tensors(architecture, architecture.globals(), ""), inLayers).toList();
  }

  private Stream<SyntheticTensor> tensors(
      GgufArchitecture architecture, List<GgufTensorName> layers, String prefix) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    layers.stream()
        .filter(layer -> exists(layer.huggingFace(), layer.gguf()))
        .forEach(layer -> {
          List<Long> shape = shape(layer.gguf());
          shapes.put(prefix + layer.huggingFace() + ".weight", shape);
          if (layer.kind() == GgufTensorName.Kind.WEIGHT_AND_BIAS && hasBias(shape.size() == 1)) {
            shapes.put(prefix + layer.huggingFace() + ".bias", List.of(shape.getFirst()));
          }
        });
    return shapes.entrySet().stream()
        .map(each ->
            new SyntheticTensor(
                each.getKey(),
                architecture.ggufName(each.getKey()).orElseThrow(),
                each.getValue()));
  }

  /** Whether this config has a layer that some of its family have. */
  private boolean exists(String name, String ggufName) {
    if (ggufName.equals(GgufArchitecture.SINK_LOGITS)) {
      return false; // no published shape has them
    }
    boolean twoNorms = config instanceof FalconConfig falcon && falcon.twoNorms();
    return switch (name) {
      case "rope_freqs" -> false; // nor these
      case "lm_head", "embed_out" -> !config.tiedEmbeddings();
      case "input_layernorm" -> !twoNorms;
      case "ln_mlp", "ln_attn" -> twoNorms;
      default -> true;
    };
  }

  private boolean hasBias(boolean norm) {
    return switch (config) {
      case LlamaConfig llama -> llama.qkvBias();
      case MptConfig mpt -> mpt.biased();
      case FalconConfig falcon -> norm || falcon.biased();
      case PythiaConfig pythia -> norm || pythia.attentionBias();
    };
  }

  private List<Long> shape(String role) {
    long hidden = config.hidden();
    long queries = (long) config.heads() * config.headDim();
    long keys = (long) config.kvHeads() * config.headDim();
    long inner = config.intermediate();
    return switch (role) {
      case "token_embd", "output" -> List.of((long) config.vocabulary(), hidden);
      case "attn_q" -> List.of(queries, hidden);
      case "attn_k", "attn_v" -> List.of(keys, hidden);
      case "attn_qkv" -> List.of(queries + 2 * keys, hidden);
      case "attn_output" -> List.of(hidden, queries);
      case "ffn_gate", "ffn_up" -> List.of(inner, hidden);
      case "ffn_down" -> List.of(hidden, inner);
      case "attn_norm", "attn_norm_2", "ffn_norm", "output_norm" -> List.of(hidden);
      default -> throw new IllegalArgumentException(role);
    };
  }
}
