package org.sinkstream.text;

import java.util.List;

/** How a text is cut into tokens, as GGUF files say it. */
sealed interface Segmentation {

  /**
   * SentencePiece's BPE ({@code tokenizer.ggml.model} is {@code llama}).
   *
   * @param scores of each token; of all neighbours those are merged whose union has the highest
   * @param spacePrefix whether a text begins as if there were a space in front
   */
  record SentencePiece(List<Float> scores, boolean spacePrefix) implements Segmentation {}

  /**
   * Byte-level BPE ({@code gpt2}).
   *
   * @param preTokenizer cuts the text into what is merged each by itself
   * @param merges first those to do first
   */
  record ByteLevelBpe(PreTokenizer preTokenizer, List<Merge> merges) implements Segmentation {}
}
