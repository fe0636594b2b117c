package org.sinkstream.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.sinkstream.error.CheckpointException;

/**
 * A model directory as Hugging Face lays it out: {@code config.json}, weights in {@code
 * model.safetensors} or in shards that {@code model.safetensors.index.json} lists, and maybe {@code
 * generation_config.json}.
 */
final class HuggingFaceDirectory {
  private HuggingFaceDirectory() {}

  /**
   * Opens a model directory; nothing of the weights is read yet.
   *
   * @param arena how long the weights stay mapped
   * @throws CheckpointException if a file is missing, damaged, or of a kind that is not supported
   */
  static Checkpoint open(Path directory, Arena arena) {
    Config config = Config.read(directory.resolve("config.json"));
    return new Checkpoint(
        directory.toString(),
        config,
        endOfText(directory, config),
        Arrangement.HUGGING_FACE,
        weights(directory, arena),
        UnaryOperator.identity());
  }

  private static Map<String, StoredTensor> weights(Path directory, Arena arena) {
    Path file = directory.resolve("model.safetensors");
    if (Files.exists(file)) {
      return SafetensorsFile.open(file, arena).tensors();
    }
    Path index = directory.resolve("model.safetensors.index.json");
    if (Files.exists(index)) {
      return ShardIndex.open(index, arena);
    }
    throw new CheckpointException(
        "%s: neither model.safetensors nor model.safetensors.index.json; %s"
            .formatted(directory, whatElseIsThere(directory)));
  }

  private static String whatElseIsThere(Path directory) {
    Set<String> gguf = names(directory, "*.gguf");
    if (!gguf.isEmpty()) {
      return "found %s: a GGUF file is opened by its own name".formatted(Checkpoint.shown(gguf));
    }
    Set<String> others = names(directory, "*.{bin,pt,pth,safetensors}");
    return others.isEmpty()
        ? "there are no weights"
        : "found %s, which are not read: convert them with save_pretrained(safe_serialization=True)"
            .formatted(Checkpoint.shown(others));
  }

  private static Set<String> names(Path directory, String glob) {
    try (DirectoryStream<Path> matching = Files.newDirectoryStream(directory, glob)) {
      Set<String> names = new TreeSet<>();
      matching.forEach(path -> names.add(path.getFileName().toString()));
      return names;
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(directory, e.getMessage()), e);
    }
  }

  private static Set<Integer> endOfText(Path directory, Config config) {
    int vocabulary = config.positiveInt("vocab_size", Integer.MAX_VALUE);
    Path file = directory.resolve("generation_config.json");
    if (Files.exists(file)) {
      Set<Integer> ids = endOfText(Config.read(file), vocabulary);
      if (!ids.isEmpty()) {
        return ids;
      }
    }
    return endOfText(config, vocabulary);
  }

  /** Those that the model has: configs name others, too. */
  private static Set<Integer> endOfText(Config config, int vocabulary) {
    return config.tokenIds("eos_token_id").stream()
        .filter(id -> id < vocabulary)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }
}
