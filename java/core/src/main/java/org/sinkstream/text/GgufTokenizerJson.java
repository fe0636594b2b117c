package org.sinkstream.text;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes a GGUF file's tokenizer as the {@code tokenizer.json} that gives the same tokens. */
final class GgufTokenizerJson {
  private final TokenList tokens;

  private GgufTokenizerJson(TokenList tokens) {
    this.tokens = tokens;
  }

  /** The whole file. */
  static ObjectNode of(GgufVocabulary vocabulary) {
    return new GgufTokenizerJson(vocabulary.tokens()).write(vocabulary);
  }

  private ObjectNode write(GgufVocabulary vocabulary) {
    ObjectNode root = JsonNodeFactory.instance.objectNode().put("version", "1.0");
    root.set("added_tokens", addedTokens());
    switch (vocabulary.segmentation()) {
      case Segmentation.SentencePiece(List<Float> scores, boolean spacePrefix) -> {
        root.set("normalizer", SpaceMarks.normalizer(spacePrefix));
        root.set("decoder", SpaceMarks.decoder(spacePrefix));
        ObjectNode model = bpe(Merge.fromScores(tokens, scores));
        model.put("byte_fallback", true).put("fuse_unk", true);
        vocabulary.unknown().ifPresent(id -> model.put("unk_token", tokens.text(id)));
        root.set("model", model);
      }
      case Segmentation.ByteLevelBpe(PreTokenizer preTokenizer, List<Merge> merges) -> {
        root.set("normalizer", preTokenizer.normalizer());
        root.set("pre_tokenizer", preTokenizer.preTokenizer());
        root.set("decoder", byteLevelDecoder());
        root.set("model", bpe(merges).put("ignore_merges", preTokenizer.wholeWords()));
      }
    }
    vocabulary.frame().json(tokens).ifPresent(frame -> root.set("post_processor", frame));
    return root;
  }

  /** Found in the raw text, so that each of them ends the piece before it, as in llama.cpp. */
  private ArrayNode addedTokens() {
    ArrayNode added = JsonNodeFactory.instance.arrayNode();
    tokens
        .used()
        .filter(id -> tokens.type(id).isAdded())
        .forEach(id ->
            added
                .addObject()
                .put("id", id)
                .put("content", tokens.text(id))
                .put("special", tokens.type(id).isSpecial())
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", false));
    return added;
  }

  private ObjectNode bpe(List<Merge> merges) {
    ObjectNode model = JsonNodeFactory.instance.objectNode().put("type", "BPE");
    // The added ones too: those that it lacks here the library would number by itself.
    ObjectNode vocab = model.putObject("vocab");
    tokens.used().forEach(id -> vocab.put(tokens.text(id), id));
    ArrayNode pairs = model.putArray("merges");
    merges.forEach(merge -> pairs.addArray().add(merge.left()).add(merge.right()));
    return model;
  }

  private static JsonNode byteLevelDecoder() {
    return JsonMapper.shared()
        .readTree(
            """
            {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}
            """);
  }
}
