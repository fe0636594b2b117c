package org.sinkstream.text;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A pre-tokenizer of byte-level BPE: what {@code tokenizer.ggml.pre} only names, a tokenizer.json
 * spells out. Immutable, thread-safe.
 *
 * @param names in GGUF files, the one to write first
 * @param normalizer the {@code normalizer} of a tokenizer.json
 * @param preTokenizer the {@code pre_tokenizer} of a tokenizer.json
 * @param wholeWords whether a piece that is a token as a whole is that one, whatever merging would
 *     lead to ({@code ignore_merges})
 * @param addsBos whether a text begins with a special token where {@code add_bos_token} is left out
 */
record PreTokenizer(
    List<String> names,
    JsonNode normalizer,
    JsonNode preTokenizer,
    boolean wholeWords,
    boolean addsBos) {
  private static final String NONE = "null";
  private static final String NFC = "{\"type\": \"NFC\"}";
  private static final String BYTE_LEVEL =
      """
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
      """;

  private static final PreTokenizer GPT_2 = of(List.of("gpt-2"), NONE, BYTE_LEVEL);

  /** Of GPT-NeoX-20B, and with it of Pythia, MPT and OLMo. */
  private static final PreTokenizer GPT_NEOX = of(List.of("mpt", "olmo"), NFC, BYTE_LEVEL);

  private static final PreTokenizer FALCON =
      of(
          List.of("falcon"),
          NONE,
          """
          {"type": "Sequence", "pretokenizers": [
            {"type": "Punctuation", "behavior": "Contiguous"},
            %s,
            {"type": "Digits", "individual_digits": false},
            {
              "type": "Split", "pattern": {"Regex": "[0-9][0-9][0-9]"},
              "behavior": "Isolated", "invert": false
            }
          ]}
          """
              .formatted(BYTE_LEVEL));

  private static final PreTokenizer LLAMA_3 =
      new PreTokenizer(
          List.of("llama-bpe", "llama-v3", "llama3"), json(NONE), json(words("{1,3}")), true, true);

  private static final PreTokenizer QWEN_2 =
      of(List.of("qwen2", "deepseek-r1-qwen"), NFC, words(""));

  private static final PreTokenizer SMOLLM =
      of(
          List.of("smollm"),
          NONE,
          """
          {"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true},
            %s
          ]}
          """
              .formatted(BYTE_LEVEL));

  private static final List<PreTokenizer> ALL =
      List.of(GPT_2, GPT_NEOX, FALCON, LLAMA_3, QWEN_2, SMOLLM);

  private static PreTokenizer of(List<String> names, String normalizer, String preTokenizer) {
    return new PreTokenizer(names, json(normalizer), json(preTokenizer), false, false);
  }

  private static JsonNode json(String text) {
    return JsonMapper.shared().readTree(text);
  }

  /** The expression of Llama 3 and Qwen 2, which differ in how long a run of digits may be. */
  private static String words(String digits) {
    return """
    {"type": "Sequence", "pretokenizers": [
      {
        "type": "Split",
        "pattern": {"Regex": "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}%s| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"},
        "behavior": "Isolated", "invert": false
      },
      {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}
    ]}
    """
        .formatted(digits);
  }

  /** Of the name that {@code tokenizer.ggml.pre} gives it. */
  static Optional<PreTokenizer> named(String name) {
    return ALL.stream().filter(each -> each.names.contains(name)).findFirst();
  }

  /** The only one that models of an architecture, as {@code general.architecture} has it, use. */
  static Optional<PreTokenizer> ofArchitecture(String architecture) {
    return switch (architecture) {
      case "gpt2" -> Optional.of(GPT_2);
      case "gptneox", "mpt" -> Optional.of(GPT_NEOX);
      case "falcon" -> Optional.of(FALCON);
      default -> Optional.empty();
    };
  }

  /** The one that a tokenizer.json spells out, to the letter. */
  static Optional<PreTokenizer> of(JsonNode root) {
    return ALL.stream()
        .filter(each -> Steps.of(root.path("normalizer")).equals(Steps.of(each.normalizer)))
        .filter(each -> Steps.of(root.path("pre_tokenizer")).equals(Steps.of(each.preTokenizer)))
        .filter(
            each -> each.wholeWords == root.path("model").path("ignore_merges").asBoolean(false))
        .findFirst();
  }

  /** All names, for messages. */
  static String supported() {
    return ALL.stream().flatMap(each -> each.names.stream()).collect(Collectors.joining(", "));
  }

  /** The name to write. */
  String ggufName() {
    return names.getFirst();
  }
}
