package org.sinkstream.checkpoint;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.sinkstream.checkpoint.SafetensorsFile.StoredTensor;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.kernels.ElementType;

/**
 * A model directory as Hugging Face lays it out: {@code config.json}, weights in {@code
 * model.safetensors} or in shards that {@code model.safetensors.index.json} lists, and maybe {@code
 * generation_config.json}. It remembers which tensors were taken. Not thread-safe; the tensors are.
 */
public final class Checkpoint {
  private static final Logger LOGGER = System.getLogger(Checkpoint.class.getName());

  /**
   * Buffers that older versions of transformers saved among the weights: masks and frequencies that
   * follow from the config.
   */
  private static final List<String> LEGACY_BUFFERS =
      List.of(
          ".rotary_emb.inv_freq",
          ".attention.bias",
          ".attention.masked_bias",
          ".attn.bias",
          ".attn.masked_bias");

  private static final int MAX_NAMES_SHOWN = 10;

  private final Path directory;
  private final Config config;
  private final Set<Integer> endOfText;
  private final Map<String, StoredTensor> tensors;
  private final Map<String, StoredTensor> taken = new TreeMap<>();

  private Checkpoint(
      Path directory, Config config, Set<Integer> endOfText, Map<String, StoredTensor> tensors) {
    this.directory = directory;
    this.config = config;
    this.endOfText = endOfText;
    this.tensors = tensors;
  }

  /**
   * Opens a model directory; nothing of the weights is read yet.
   *
   * @param arena how long the weights stay mapped
   * @throws CheckpointException if a file is missing, damaged, or of a kind that is not supported
   */
  public static Checkpoint open(Path directory, Arena arena) {
    if (!Files.isDirectory(directory)) {
      throw new CheckpointException(
          Files.exists(directory)
              ? directory + ": a file, expected a directory with config.json and safetensors"
              : directory + ": no such directory");
    }
    Config config = Config.read(directory.resolve("config.json"));
    return new Checkpoint(
        directory, config, endOfText(directory, config), weights(directory, arena));
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
    try (DirectoryStream<Path> others =
        Files.newDirectoryStream(directory, "*.{bin,pt,pth,gguf,safetensors}")) {
      Set<String> names = new TreeSet<>();
      others.forEach(path -> names.add(path.getFileName().toString()));
      return names.isEmpty()
          ? "there are no weights"
          : "found %s, which are not read: convert them with save_pretrained(safe_serialization=True)"
              .formatted(shown(names));
    } catch (IOException e) {
      throw new CheckpointException(
          "%s: cannot be read: %s".formatted(directory, e.getMessage()), e);
    }
  }

  private static Set<Integer> endOfText(Path directory, Config config) {
    Path file = directory.resolve("generation_config.json");
    if (Files.exists(file)) {
      Set<Integer> ids = Config.read(file).tokenIds("eos_token_id");
      if (!ids.isEmpty()) {
        return ids;
      }
    }
    return config.tokenIds("eos_token_id");
  }

  /** What {@code config.json} says. */
  public Config config() {
    return config;
  }

  /**
   * The tokens that end a text: those of {@code generation_config.json}, else of {@code
   * config.json}; empty where neither names any.
   */
  public Set<Integer> endOfText() {
    return Set.copyOf(endOfText);
  }

  /** Whether there is a tensor of that name. */
  public boolean has(String name) {
    return tensors.containsKey(name);
  }

  /**
   * Takes a weight.
   *
   * @param expected the shape it must have, outermost dimension first
   * @throws CheckpointException if it is absent, of another shape, or of a type that the kernels do
   *     not read
   */
  public TensorView tensor(String name, long... expected) {
    String shape = Arrays.toString(expected);
    StoredTensor stored = tensors.get(name);
    if (stored == null) {
      throw refuse(name, "is missing, expected one of shape " + shape);
    }
    if (!Arrays.equals(stored.shape().stream().mapToLong(Long::longValue).toArray(), expected)) {
      throw refuse(name, "has shape %s, expected %s".formatted(stored.shape(), shape));
    }
    ElementType type =
        stored
            .type()
            .elementType()
            .orElseThrow(() ->
                refuse(
                    name,
                    "has type %s, expected one of %s"
                        .formatted(stored.type(), Arrays.toString(ElementType.values()))));
    taken.put(name, stored);
    return new TensorView(name, type, stored.shape(), stored.data());
  }

  private CheckpointException refuse(String name, String what) {
    return new CheckpointException(
        "%s: tensor %s %s".formatted(directory, StrictJson.shown(name), what));
  }

  /** Logs one warning that names the tensors nobody took, but for buffers of old checkpoints. */
  public void warnAboutUnused() {
    Set<String> unused = unused();
    if (!unused.isEmpty()) {
      LOGGER.log(
          Level.WARNING,
          "{0}: {1} tensors are not used by this architecture: {2}",
          directory,
          unused.size(),
          shown(unused));
    }
  }

  /** The tensors nobody took, but for buffers of old checkpoints. */
  Set<String> unused() {
    Set<String> unused = new TreeSet<>(tensors.keySet());
    unused.removeAll(taken.keySet());
    unused.removeIf(name -> LEGACY_BUFFERS.stream().anyMatch(name::endsWith));
    return unused;
  }

  private static String shown(Set<String> names) {
    String first = names.stream().limit(MAX_NAMES_SHOWN).collect(Collectors.joining(", "));
    int more = names.size() - MAX_NAMES_SHOWN;
    return more > 0 ? "%s and %d more".formatted(first, more) : first;
  }

  /** Numbers in the tensors taken so far. */
  public long parameters() {
    return sum(stored -> stored.data().byteSize() * Byte.SIZE / stored.type().bits());
  }

  /** Bytes of the tensors taken so far. */
  public long weightBytes() {
    return sum(stored -> stored.data().byteSize());
  }

  private long sum(ToLongFunction<StoredTensor> of) {
    return taken.values().stream().mapToLong(of).sum();
  }

  /** Types of the tensors taken so far, e.g. {@code BF16}. */
  public Set<String> weightTypes() {
    return taken.values().stream()
        .map(stored -> stored.type().name())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * Tells this model from others: {@link Fingerprint} of its config and the tensors taken so far.
   */
  public String fingerprint() {
    return Fingerprint.of(config, taken.values());
  }
}
