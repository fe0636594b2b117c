package org.sinkstream.text;

import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;

/** Small tokenizer.json files for tests. */
final class TokenizerFiles {
  private TokenizerFiles() {}

  /** Byte-level, without merges: token b is the byte b, 256 is the special {@code <end>}. */
  static String byteLevel() {
    Map<String, Integer> vocabulary =
        IntStream.range(0, 256).boxed().collect(Collectors.toMap(TokenizerFiles::standIn, b -> b));
    return """
    {
      "version": "1.0",
      "added_tokens": [{
        "id": 256, "content": "<end>", "special": true,
        "single_word": false, "lstrip": false, "rstrip": false, "normalized": false
      }],
      "pre_tokenizer": {
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
      },
      "decoder": {
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true
      },
      "model": {"type": "BPE", "vocab": %s, "merges": []}
    }
    """
        .formatted(JsonMapper.shared().writeValueAsString(vocabulary));
  }

  /**
   * The edition of Llama 2's tokenizer.json at hand finds {@code <s>} only behind a space; later
   * ones find it anywhere, as GGUF files do.
   */
  static String findingSpecialAnywhere(String llama2) {
    return llama2.replaceAll(
        "\"normalized\": true(,\\s+\"special\": true)", "\"normalized\": false$1");
  }

  /** GPT-2's table, the long way: what is not printable in Latin-1 is numbered from U+0100 on. */
  static String standIn(int b) {
    String printable =
        IntStream.concat(
                IntStream.rangeClosed(0x21, 0x7E),
                IntStream.range(0xA1, 0x100).filter(c -> c != 0xAD))
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    if (printable.indexOf(b) >= 0) {
      return Character.toString(b);
    }
    long before = IntStream.range(0, b).filter(c -> printable.indexOf(c) < 0).count();
    return Character.toString(0x100 + (int) before);
  }
}
