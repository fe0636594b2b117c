package org.sinkstream.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.sinkstream.error.CheckpointException;

/**
 * A model in one GGUF file, as llama.cpp writes them: config from its metadata, weights by the
 * names they have in Hugging Face checkpoints.
 */
final class GgufCheckpoint {
  /** Frequencies that follow from the metadata; files of the first converters have them. */
  private static final Pattern INERT = Pattern.compile("blk\\.\\d+\\.attn_rot_embd(\\.weight)?");

  /** Names that llama.cpp gives to what layers and heads compute with. */
  private static final Pattern MEANINGFUL =
      Pattern.compile(
          "(blk|token_embd|token_embd_norm|token_types|position_embd|output|output_norm|cls"
              + "|rope_freqs|rope_factors_long|rope_factors_short)\\..*");

  private GgufCheckpoint() {}

  /**
   * Opens a file; nothing of the weights is read yet.
   *
   * @param arena how long the weights stay mapped
   * @throws CheckpointException if it is damaged, or of a kind that is not supported
   */
  static Checkpoint open(Path file, Arena arena) {
    GgufFile gguf = GgufFile.open(file, arena);
    GgufMetadata metadata = gguf.metadata();
    GgufArchitecture architecture = architecture(metadata);
    checkKind(gguf);
    long vocabulary = vocabulary(file, gguf);
    Config config = GgufConfig.read(file, gguf, architecture, vocabulary);
    GgufTokens.check(metadata, vocabulary);
    return new Checkpoint(
        file.toString(),
        config,
        GgufTokens.endOfText(metadata, vocabulary),
        architecture.arrangement(),
        tensors(file, gguf, architecture),
        name -> architecture.ggufName(name).orElse(name));
  }

  private static GgufArchitecture architecture(GgufMetadata metadata) {
    String expected =
        GgufArchitecture.ALL.stream()
            .map(GgufArchitecture::id)
            .collect(Collectors.joining(", ", "one of ", ""));
    if (!metadata.has(GgufKeys.ARCHITECTURE)) {
      throw metadata.refuse(GgufKeys.ARCHITECTURE, expected);
    }
    return GgufArchitecture.named(metadata.string(GgufKeys.ARCHITECTURE))
        .orElseThrow(() -> metadata.refuse(GgufKeys.ARCHITECTURE, expected));
  }

  private static void checkKind(GgufFile gguf) {
    GgufMetadata metadata = gguf.metadata();
    if (!metadata.string(GgufKeys.TYPE, "model").equals("model")) {
      throw metadata.refuse(GgufKeys.TYPE, "\"model\"");
    }
    if (metadata.has(GgufKeys.SPLIT_COUNT) && metadata.integer(GgufKeys.SPLIT_COUNT) > 1) {
      throw metadata.refuse(
          GgufKeys.SPLIT_COUNT, "1: merge the parts with llama-gguf-split --merge");
    }
    if (metadata.has(GgufKeys.QUANTIZATION_VERSION)
        && metadata.integer(GgufKeys.QUANTIZATION_VERSION) != GgufKeys.BLOCK_FORMATS) {
      throw metadata.refuse(
          GgufKeys.QUANTIZATION_VERSION, Integer.toString(GgufKeys.BLOCK_FORMATS));
    }
  }

  private static long vocabulary(Path file, GgufFile gguf) {
    StoredTensor embedding = gguf.tensors().get(GgufArchitecture.EMBEDDING);
    if (embedding == null || embedding.shape().size() != 2) {
      throw new CheckpointException(
          "%s: tensor \"%s\" %s; expected [vocabulary, embedding_length]"
              .formatted(
                  file,
                  GgufArchitecture.EMBEDDING,
                  embedding == null ? "is missing" : "has shape " + embedding.shape()));
    }
    return embedding.shape().getFirst();
  }

  /**
   * By their Hugging Face names. A tensor that llama.cpp would compute with and this architecture
   * does not know here is refused: unlike a config, a GGUF file says what a layer does by the
   * tensors it has.
   */
  private static Map<String, StoredTensor> tensors(
      Path file, GgufFile gguf, GgufArchitecture architecture) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (StoredTensor tensor : gguf.tensors().values()) {
      List<String> names = architecture.huggingFaceNames(tensor.name());
      names.forEach(name -> tensors.put(name, tensor));
      if (names.isEmpty() && !INERT.matcher(tensor.name()).matches()) {
        if (MEANINGFUL.matcher(tensor.name()).matches()) {
          throw new CheckpointException(
              "%s: tensor %s is not implemented for %s, and without it the model would compute something else"
                  .formatted(file, StrictJson.shown(tensor.name()), architecture.id()));
        }
        tensors.put(tensor.name(), tensor);
      }
    }
    return tensors;
  }
}
