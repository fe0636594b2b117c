package org.sinkstream.graph;

import org.sinkstream.checkpoint.Config;

/** Fields of published configs that change nothing at inference, whatever their value. */
final class InertFields {
  private InertFields() {}

  /** Accepts them all. */
  static void ignore(Config config) {
    config.ignore(
        // provenance
        "_name_or_path",
        "_commit_hash",
        "architectures",
        "auto_map",
        "transformers_version",
        "custom_pipelines",
        "unsloth_version",
        "unsloth_fixed",
        "is_llama_config",
        // types and implementations of another runtime
        "torch_dtype",
        "dtype",
        "torchscript",
        "use_bfloat16",
        "tf_legacy_loss",
        "pretraining_tp",
        "use_cache",
        "attn_implementation",
        "_attn_implementation",
        "_attn_implementation_autoset",
        "_flash_attn_2_enabled",
        "use_flash_attn",
        "gradient_checkpointing",
        // training
        "initializer_range",
        "attention_dropout",
        "attention_probs_dropout_prob",
        "hidden_dropout",
        "hidden_dropout_prob",
        "classifier_dropout",
        "resid_pdrop",
        "embd_pdrop",
        "emb_pdrop",
        // the tokenizer's business
        "bos_token_id",
        "eos_token_id",
        "pad_token_id",
        "unk_token_id",
        "sep_token_id",
        "decoder_start_token_id",
        "tokenizer_class",
        "prefix",
        "model_max_length",
        "max_sequence_length",
        // what a call returns
        "output_attentions",
        "output_hidden_states",
        "output_scores",
        "return_dict",
        "return_dict_in_generate",
        "is_decoder",
        "chunk_size_feed_forward",
        // heads for other tasks
        "id2label",
        "label2id",
        "num_labels",
        "problem_type",
        "finetuning_task",
        "task_specific_params",
        // defaults of generation, which options of ours take the place of
        "max_length",
        "min_length",
        "do_sample",
        "early_stopping",
        "num_beams",
        "num_beam_groups",
        "num_return_sequences",
        "temperature",
        "top_k",
        "top_p",
        "typical_p",
        "repetition_penalty",
        "length_penalty",
        "diversity_penalty",
        "no_repeat_ngram_size",
        "encoder_no_repeat_ngram_size",
        "exponential_decay_length_penalty",
        "bad_words_ids",
        "begin_suppress_tokens",
        "suppress_tokens",
        "forced_bos_token_id",
        "forced_eos_token_id",
        "remove_invalid_values");
  }
}
