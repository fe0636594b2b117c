package org.sinkstream.synthetic;

import java.lang.foreign.Arena;
import java.util.List;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.graph.Runner;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.kernels.KvCache;

/** Random models of a few hundred kilobytes. */
public final class SmallModels {
  /** One of each family, and Falcon with two norms, in a size that tests can load. */
  public static final List<String> CONFIGS =
      List.of(
          """
          {"model_type": "llama", "hidden_size": 256, "intermediate_size": 512,
           "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2,
           "vocab_size": 300, "max_position_embeddings": 64, "rms_norm_eps": 1e-05}
          """,
          """
          {"model_type": "gpt_neox", "hidden_size": 256, "intermediate_size": 512,
           "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300,
           "max_position_embeddings": 64, "layer_norm_eps": 1e-05}
          """,
          """
          {"model_type": "falcon", "hidden_size": 256, "num_hidden_layers": 2,
           "num_attention_heads": 4, "vocab_size": 300, "layer_norm_epsilon": 1e-05}
          """,
          """
          {"model_type": "falcon", "new_decoder_architecture": true, "hidden_size": 256,
           "num_hidden_layers": 2, "num_attention_heads": 4, "num_kv_heads": 2,
           "vocab_size": 300, "layer_norm_epsilon": 1e-05, "bias": true}
          """,
          """
          {"model_type": "mpt", "d_model": 256, "n_layers": 2, "n_heads": 4, "vocab_size": 300,
           "max_seq_len": 64}
          """);

  private SmallModels() {}

  /** The logits after five tokens. */
  public static float[] logits(Device device, Arena arena, Checkpoint checkpoint) {
    ModelConfig model = ModelConfig.read(checkpoint.config());
    Network network = new Network(device, arena, checkpoint, model, false, bytes -> {});
    KvCache cache = network.newCache(arena, new KvCache.Spec(4, 12, 8, ElementType.F32));
    Runner runner = network.newRunner(arena, 8);
    runner.appendForLast(cache, new int[] {1, 2, 3, 4, 5}, 0, 5);
    return runner.last().toArray(0);
  }
}
