package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names as llama.cpp's {@code tensor_mapping.py} has them, in both directions. */
class GgufArchitectureTest {
  @ParameterizedTest
  @CsvSource({
    "llama, model.embed_tokens.weight, token_embd.weight",
    "llama, model.norm.weight, output_norm.weight",
    "llama, lm_head.weight, output.weight",
    "llama, model.layers.0.input_layernorm.weight, blk.0.attn_norm.weight",
    "llama, model.layers.0.self_attn.q_proj.weight, blk.0.attn_q.weight",
    "llama, model.layers.31.self_attn.k_proj.bias, blk.31.attn_k.bias",
    "llama, model.layers.0.self_attn.v_proj.weight, blk.0.attn_v.weight",
    "llama, model.layers.0.self_attn.o_proj.weight, blk.0.attn_output.weight",
    "llama, model.layers.0.post_attention_layernorm.weight, blk.0.ffn_norm.weight",
    "llama, model.layers.0.mlp.gate_proj.weight, blk.0.ffn_gate.weight",
    "llama, model.layers.0.mlp.up_proj.weight, blk.0.ffn_up.weight",
    "llama, model.layers.0.mlp.down_proj.bias, blk.0.ffn_down.bias",
    "qwen2, model.layers.0.self_attn.q_proj.bias, blk.0.attn_q.bias",
    "qwen2, model.layers.7.mlp.down_proj.weight, blk.7.ffn_down.weight",
    "falcon, transformer.word_embeddings.weight, token_embd.weight",
    "falcon, transformer.ln_f.bias, output_norm.bias",
    "falcon, lm_head.weight, output.weight",
    "falcon, transformer.h.0.ln_attn.bias, blk.0.attn_norm_2.bias",
    "falcon, transformer.h.0.self_attention.query_key_value.weight, blk.0.attn_qkv.weight",
    "falcon, transformer.h.0.self_attention.dense.weight, blk.0.attn_output.weight",
    "falcon, transformer.h.0.mlp.dense_h_to_4h.weight, blk.0.ffn_up.weight",
    "falcon, transformer.h.0.mlp.dense_4h_to_h.weight, blk.0.ffn_down.weight",
    "gptneox, gpt_neox.embed_in.weight, token_embd.weight",
    "gptneox, gpt_neox.final_layer_norm.bias, output_norm.bias",
    "gptneox, embed_out.weight, output.weight",
    "gptneox, gpt_neox.layers.3.input_layernorm.weight, blk.3.attn_norm.weight",
    "gptneox, gpt_neox.layers.3.attention.query_key_value.bias, blk.3.attn_qkv.bias",
    "gptneox, gpt_neox.layers.3.attention.dense.weight, blk.3.attn_output.weight",
    "gptneox, gpt_neox.layers.3.post_attention_layernorm.bias, blk.3.ffn_norm.bias",
    "gptneox, gpt_neox.layers.3.mlp.dense_h_to_4h.weight, blk.3.ffn_up.weight",
    "gptneox, gpt_neox.layers.3.mlp.dense_4h_to_h.bias, blk.3.ffn_down.bias",
    "mpt, transformer.wte.weight, token_embd.weight",
    "mpt, transformer.norm_f.weight, output_norm.weight",
    "mpt, transformer.blocks.12.norm_1.weight, blk.12.attn_norm.weight",
    "mpt, transformer.blocks.12.attn.Wqkv.weight, blk.12.attn_qkv.weight",
    "mpt, transformer.blocks.12.attn.out_proj.weight, blk.12.attn_output.weight",
    "mpt, transformer.blocks.12.norm_2.weight, blk.12.ffn_norm.weight",
    "mpt, transformer.blocks.12.ffn.up_proj.weight, blk.12.ffn_up.weight",
    "mpt, transformer.blocks.12.ffn.down_proj.weight, blk.12.ffn_down.weight"
  })
  void names(String id, String huggingFace, String gguf) {
    GgufArchitecture architecture = GgufArchitecture.named(id).orElseThrow();
    assertThat(architecture.ggufName(huggingFace)).contains(gguf);
    assertThat(architecture.huggingFaceNames(gguf)).containsExactly(huggingFace);
  }

  @Test
  void falconsFirstNormIsTheMlps() {
    GgufArchitecture falcon = GgufArchitecture.FALCON;
    String oneNorm = "transformer.h.5.input_layernorm.weight";
    String ofTheMlp = "transformer.h.5.ln_mlp.weight";
    assertThat(falcon.ggufName(oneNorm)).contains("blk.5.attn_norm.weight");
    assertThat(falcon.ggufName(ofTheMlp)).contains("blk.5.attn_norm.weight");
    assertThat(falcon.huggingFaceNames("blk.5.attn_norm.weight"))
        .containsExactly(oneNorm, ofTheMlp);
  }

  @ParameterizedTest
  @CsvSource({
    "qwen2, blk.0.attn_output.bias",
    "llama, blk.0.attn_norm.bias",
    "llama, blk.0.attn_qkv.weight",
    "llama, blk.x.attn_q.weight",
    "llama, blk.0.attn_q.scale",
    "llama, blk.0.attn_q",
    "llama, attn_q.weight",
    "mpt, rope_freqs.weight",
    "gptneox, token_embd.bias"
  })
  void namesThatTheArchitectureDoesNotHave(String id, String gguf) {
    assertThat(GgufArchitecture.named(id).orElseThrow().huggingFaceNames(gguf)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "llama, llama",
    "mistral, llama",
    "qwen2, qwen2",
    "falcon, falcon",
    "RefinedWeb, falcon",
    "RefinedWebModel, falcon",
    "gpt_neox, gptneox",
    "mpt, mpt"
  })
  void architecturesOfConfigs(String modelType, String id) {
    assertThat(GgufArchitecture.ofModelType(modelType).orElseThrow().id()).isEqualTo(id);
    assertThat(GgufArchitecture.ofModelType("gpt2")).isEmpty();
    assertThat(GgufArchitecture.named("gpt2")).isEmpty();
  }
}
