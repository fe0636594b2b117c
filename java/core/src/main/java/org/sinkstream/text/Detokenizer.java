package org.sinkstream.text;

/**
 * Turns a stream of tokens into text as it comes. Memory and the time for a token do not depend on
 * how long the stream is. Confined to one thread; make one for each stream with {@link
 * Tokenizer#newDetokenizer}.
 *
 * <p>The texts of all {@link #accept} and of the last {@link #flush} together are {@link
 * Tokenizer#decode} of the whole stream. Each is well-formed UTF-16, so a character whose bytes
 * come with several tokens is emitted, whole, with the last of them.
 *
 * <p>Bytes that are no UTF-8 become U+FFFD as the Hugging Face tokenizers library does it: with
 * byte-level vocabularies one for each maximal subpart of a character, with byte-fallback
 * vocabularies (Llama's {@code <0xE2>}) one for each byte. There is one difference: in a run of
 * byte-fallback tokens that is not well formed as a whole, the library also gives up the characters
 * that are; here they stay, for an endless run would otherwise never be emitted.
 */
public final class Detokenizer {
  private final TokenBytes tokenBytes;
  private final Utf8Decoder utf8;
  private int leadingToDrop;

  Detokenizer(TokenBytes tokenBytes) {
    this.tokenBytes = tokenBytes;
    this.utf8 = new Utf8Decoder(tokenBytes.replaceEachByte());
    this.leadingToDrop = tokenBytes.leadingCount();
  }

  /** A detokenizer for models without a tokenizer: no token has text. */
  public static Detokenizer none() {
    return new Detokenizer(TokenBytes.NONE);
  }

  /**
   * Takes the next token.
   *
   * @param id a token; special ones and those that the tokenizer lacks, as models whose vocabulary
   *     is padded may generate, have no text
   * @return the text that is now certain, perhaps empty
   * @throws IllegalArgumentException if the id is negative
   */
  public String accept(int id) {
    StringBuilder text = new StringBuilder();
    accept(id, text);
    return text.toString();
  }

  /**
   * Ends the text. What is accepted after it begins with a new character, but not a new text.
   *
   * @return U+FFFD for a character of which only some bytes have come, else nothing
   */
  public String flush() {
    StringBuilder text = new StringBuilder();
    utf8.flush(text);
    return text.toString();
  }

  void accept(int id, StringBuilder text) {
    if (id < 0) {
      throw new IllegalArgumentException("token id %d is negative".formatted(id));
    }
    int start = text.length();
    utf8.accept(tokenBytes.of(id), text);
    if (leadingToDrop > 0) {
      dropLeading(text, start);
    }
  }

  private void dropLeading(StringBuilder text, int start) {
    while (leadingToDrop > 0 && start < text.length()) {
      if (text.charAt(start) == tokenBytes.leading()) {
        text.deleteCharAt(start);
        leadingToDrop--;
      } else {
        leadingToDrop = 0;
      }
    }
  }
}
