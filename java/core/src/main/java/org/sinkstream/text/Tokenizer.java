package org.sinkstream.text;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.sinkstream.checkpoint.GgufFile;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.error.NativeLibraryException;

/**
 * Encodes texts as tokens, exactly as the Hugging Face tokenizers library does for the same {@code
 * tokenizer.json}, but never truncated and never padded, and decodes tokens as text. Works offline.
 *
 * <p>Thread-safe. Holds native memory until it is closed; after that only encoding fails, with an
 * {@link IllegalStateException}.
 */
public final class Tokenizer implements AutoCloseable {
  private final NativeTokenizer encoder;
  private final Vocabulary vocabulary;
  private final TokenBytes tokenBytes;

  /**
   * Makes a tokenizer.
   *
   * @throws IllegalArgumentException if it is of a kind that is not supported
   */
  Tokenizer(TokenizerJson json) {
    this.vocabulary = Vocabulary.read(json.root());
    this.tokenBytes = TokenBytes.read(json.root().path("decoder"), vocabulary);
    Templates.check(json.root().path("post_processor"));
    this.encoder = new NativeTokenizer(json.text());
  }

  /**
   * Opens a tokenizer: BPE, byte-level (MPT, Falcon, Pythia, Llama 3, Qwen2) or with byte fallback
   * (Llama 2, Mistral).
   *
   * @param file a {@code tokenizer.json}, or a GGUF file with the keys {@code tokenizer.ggml.*}
   * @throws CheckpointException if the file is missing, damaged or of another kind
   * @throws NativeLibraryException if the tokenizers library cannot be loaded
   */
  public static Tokenizer open(Path file) {
    return find(file)
        .orElseThrow(() ->
            new CheckpointException(file + ": no tokenizer; expected the keys tokenizer.ggml.*"));
  }

  /**
   * Opens the tokenizer of a model.
   *
   * @param model a directory that may hold a {@code tokenizer.json}, or a GGUF file
   * @return nothing if the model has no tokenizer
   * @throws CheckpointException if its tokenizer is damaged or of another kind
   * @throws NativeLibraryException if the tokenizers library cannot be loaded
   */
  public static Optional<Tokenizer> ofModel(Path model) {
    if (!Files.isDirectory(model)) {
      return find(model);
    }
    Path file = model.resolve("tokenizer.json");
    return Files.exists(file) ? find(file) : Optional.empty();
  }

  /** Opens a file's tokenizer; nothing if it is a GGUF file without one. */
  private static Optional<Tokenizer> find(Path file) {
    Optional<TokenizerJson> json =
        GgufFile.isNamedOrBeginsAsOne(file) ? ofGguf(file) : Optional.of(TokenizerJson.read(file));
    try {
      return json.map(Tokenizer::new);
    } catch (IllegalArgumentException unsupported) {
      throw new CheckpointException(
          file + ": no tokenizer that is supported: " + unsupported.getMessage(), unsupported);
    }
  }

  private static Optional<TokenizerJson> ofGguf(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      return GgufVocabularyReader.read(GgufFile.open(file, arena).metadata())
          .map(GgufTokenizerJson::of)
          .map(TokenizerJson::of);
    }
  }

  /**
   * Encodes a text without the special tokens that the tokenizer would put around it. Special
   * tokens written out in the text, such as {@code </s>}, are encoded as what they are.
   *
   * @param text of any length; unpaired surrogates count as U+FFFD
   * @return the ids
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encode(String text) {
    return encode(text, false);
  }

  /**
   * Encodes a text.
   *
   * @param text of any length; unpaired surrogates count as U+FFFD
   * @param addSpecialTokens whether to add the special tokens that begin (and end) a text according
   *     to the tokenizer, such as Llama's {@code <s>}
   * @return the ids
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    return encoder.encode(text, addSpecialTokens);
  }

  /**
   * Decodes a whole text: what a new {@link Detokenizer} gives for these tokens and its flush.
   *
   * @param ids tokens; special ones have no text
   */
  public String decode(int... ids) {
    return decode(IntStream.of(ids));
  }

  /**
   * Decodes a whole text.
   *
   * @param ids tokens; special ones have no text
   * @see #decode(int...)
   */
  public String decode(List<Integer> ids) {
    return decode(ids.stream().mapToInt(Integer::intValue));
  }

  /**
   * Starts decoding a stream of tokens.
   *
   * @param context what the stream goes on from, such as a prompt, oldest first; its text is not
   *     given again, but a space or a character that began there is got right
   */
  public Detokenizer newDetokenizer(int... context) {
    Detokenizer detokenizer = new Detokenizer(tokenBytes);
    for (int id : context) {
      detokenizer.accept(id);
    }
    return detokenizer;
  }

  /** One more than the largest id. The vocabulary of a model may be padded to more. */
  public int size() {
    return vocabulary.size();
  }

  /** The id of a token as the vocabulary spells it, e.g. {@code </s>} or {@code ▁the}. */
  public Optional<Integer> idOf(String token) {
    return vocabulary.idOf(token);
  }

  /** Whether a token marks something, such as the end of a text, and has no text of its own. */
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(id);
  }

  /** Frees the native memory. Waits for encodings that are running; may be called again. */
  @Override
  public void close() {
    encoder.close();
  }

  private String decode(IntStream ids) {
    Detokenizer detokenizer = new Detokenizer(tokenBytes);
    StringBuilder text = new StringBuilder();
    ids.forEach(id -> detokenizer.accept(id, text));
    return text.append(detokenizer.flush()).toString();
  }
}
