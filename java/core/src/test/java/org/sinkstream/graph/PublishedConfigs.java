package org.sinkstream.graph;

/** Configs as model authors published them, shortened of nothing that a reader could trip over. */
final class PublishedConfigs {
  private PublishedConfigs() {}

  static final String LLAMA_2_7B =
      """
      {"_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"],
       "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096,
       "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 4096,
       "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32,
       "num_key_value_heads": 32, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
       "rope_scaling": null, "tie_word_embeddings": false, "torch_dtype": "float16",
       "transformers_version": "4.31.0.dev0", "use_cache": true, "vocab_size": 32000}
      """;

  static final String LLAMA_3_2_1B =
      """
      {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
       "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "head_dim": 64,
       "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02,
       "intermediate_size": 8192, "max_position_embeddings": 131072, "mlp_bias": false,
       "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 16,
       "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
       "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
        "original_max_position_embeddings": 8192, "rope_type": "llama3"},
       "rope_theta": 500000.0, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
       "transformers_version": "4.45.0.dev0", "use_cache": true, "vocab_size": 128256}
      """;

  static final String MISTRAL_7B_V03 =
      """
      {"architectures": ["MistralForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 1,
       "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
       "intermediate_size": 14336, "max_position_embeddings": 32768, "model_type": "mistral",
       "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
       "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null,
       "tie_word_embeddings": false, "torch_dtype": "bfloat16",
       "transformers_version": "4.42.0.dev0", "use_cache": true, "vocab_size": 32768}
      """;

  static final String QWEN2_5_7B =
      """
      {"architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643,
       "eos_token_id": 151643, "hidden_act": "silu", "hidden_size": 3584,
       "initializer_range": 0.02, "intermediate_size": 18944, "max_position_embeddings": 131072,
       "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 28,
       "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06,
       "rope_theta": 1000000.0, "sliding_window": 131072, "tie_word_embeddings": false,
       "torch_dtype": "bfloat16", "transformers_version": "4.40.1", "use_cache": true,
       "use_mrope": false, "use_sliding_window": false, "vocab_size": 152064}
      """;

  static final String MPT_7B =
      """
      {"architectures": ["MPTForCausalLM"],
       "attn_config": {"alibi": true, "alibi_bias_max": 8, "attn_impl": "torch",
        "attn_pdrop": 0, "attn_type": "multihead_attention", "attn_uses_sequence_id": false,
        "clip_qkv": null, "prefix_lm": false, "qk_ln": false, "softmax_scale": null},
       "auto_map": {"AutoConfig": "configuration_mpt.MPTConfig",
        "AutoModelForCausalLM": "modeling_mpt.MPTForCausalLM"},
       "d_model": 4096, "emb_pdrop": 0, "embedding_fraction": 1.0, "expansion_ratio": 4,
       "init_config": {"emb_init_std": null, "emb_init_uniform_lim": null,
        "fan_mode": "fan_in", "init_div_is_residual": true, "init_gain": 0,
        "init_nonlinearity": "relu", "init_std": 0.02, "name": "kaiming_normal_", "verbose": 0},
       "init_device": "cpu", "learned_pos_emb": true, "logit_scale": null, "max_seq_len": 2048,
       "model_type": "mpt", "n_heads": 32, "n_layers": 32, "no_bias": true,
       "norm_type": "low_precision_layernorm", "resid_pdrop": 0,
       "tokenizer_name": "EleutherAI/gpt-neox-20b", "torch_dtype": "bfloat16",
       "transformers_version": "4.28.1", "use_cache": false, "verbose": 0, "vocab_size": 50432}
      """;

  static final String FALCON_7B =
      """
      {"alibi": false, "apply_residual_connection_post_layernorm": false,
       "architectures": ["FalconForCausalLM"], "attention_dropout": 0.0,
       "auto_map": {"AutoConfig": "configuration_falcon.FalconConfig"}, "bias": false,
       "bos_token_id": 11, "eos_token_id": 11, "hidden_dropout": 0.0, "hidden_size": 4544,
       "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "falcon",
       "multi_query": true, "new_decoder_architecture": false, "num_attention_heads": 71,
       "num_hidden_layers": 32, "parallel_attn": true, "torch_dtype": "bfloat16",
       "transformers_version": "4.27.4", "use_cache": true, "vocab_size": 65024}
      """;

  /** As {@link #FALCON_7B} was first published. */
  static final String REFINED_WEB_7B =
      """
      {"alibi": false, "apply_residual_connection_post_layernorm": false,
       "architectures": ["RWForCausalLM"], "attention_dropout": 0.0, "bias": false,
       "bos_token_id": 11, "eos_token_id": 11, "hidden_dropout": 0.0, "hidden_size": 4544,
       "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
       "model_type": "RefinedWebModel", "multi_query": true, "n_head": 71, "n_layer": 32,
       "parallel_attn": true, "torch_dtype": "bfloat16", "transformers_version": "4.27.4",
       "use_cache": true, "vocab_size": 65024}
      """;

  static final String FALCON_40B =
      """
      {"alibi": false, "apply_residual_connection_post_layernorm": false,
       "architectures": ["FalconForCausalLM"], "attention_dropout": 0.0, "bias": false,
       "bos_token_id": 11, "eos_token_id": 11, "hidden_dropout": 0.0, "hidden_size": 8192,
       "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "falcon",
       "new_decoder_architecture": true, "num_attention_heads": 128, "num_hidden_layers": 60,
       "num_kv_heads": 8, "parallel_attn": true, "torch_dtype": "bfloat16",
       "transformers_version": "4.27.4", "use_cache": true, "vocab_size": 65024}
      """;

  /** As {@link #FALCON_40B} was first published: the new architecture went without saying. */
  static final String REFINED_WEB_40B =
      """
      {"alibi": false, "apply_residual_connection_post_layernorm": false,
       "architectures": ["RWForCausalLM"], "attention_dropout": 0.0, "bias": false,
       "bos_token_id": 11, "eos_token_id": 11, "hidden_dropout": 0.0, "hidden_size": 8192,
       "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "RefinedWeb",
       "n_head": 128, "n_head_kv": 8, "n_layer": 60, "parallel_attn": true,
       "torch_dtype": "bfloat16", "transformers_version": "4.27.4", "use_cache": true,
       "vocab_size": 65024}
      """;

  static final String FALCON_11B =
      """
      {"activation": "gelu", "alibi": false, "architectures": ["FalconForCausalLM"],
       "attention_dropout": 0.0, "bias": false, "bos_token_id": 11, "eos_token_id": 11,
       "ff_factor": 4, "ffn_hidden_size": 16384, "hidden_dropout": 0.0, "hidden_size": 4096,
       "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "max_position_embeddings": 8192,
       "model_type": "falcon", "multi_query": true, "new_decoder_architecture": true,
       "num_attention_heads": 32, "num_hidden_layers": 60, "num_kv_heads": 8,
       "num_ln_in_parallel_attn": 1, "parallel_attn": true, "rope_scaling": null,
       "rope_theta": 5000042.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
       "transformers_version": "4.40.0.dev0", "use_cache": true, "vocab_size": 65024}
      """;

  static final String PYTHIA_2_8B =
      """
      {"architectures": ["GPTNeoXForCausalLM"], "bos_token_id": 0, "eos_token_id": 0,
       "hidden_act": "gelu", "hidden_size": 2560, "initializer_range": 0.02,
       "intermediate_size": 10240, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
       "model_type": "gpt_neox", "num_attention_heads": 32, "num_hidden_layers": 32,
       "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
       "torch_dtype": "float16", "transformers_version": "4.24.0", "use_cache": true,
       "use_parallel_residual": true, "vocab_size": 50304}
      """;

  static final String NEOX_20B =
      """
      {"architectures": ["GPTNeoXForCausalLM"], "attention_probs_dropout_prob": 0,
       "bos_token_id": 0, "eos_token_id": 0, "hidden_act": "gelu_fast",
       "hidden_dropout_prob": 0, "hidden_size": 6144, "initializer_range": 0.02,
       "intermediate_size": 24576, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048,
       "model_type": "gpt_neox", "num_attention_heads": 64, "num_hidden_layers": 44,
       "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
       "torch_dtype": "float16", "transformers_version": "4.19.0.dev0", "use_cache": true,
       "vocab_size": 50432}
      """;
}
