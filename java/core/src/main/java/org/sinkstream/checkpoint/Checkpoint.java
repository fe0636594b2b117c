package org.sinkstream.checkpoint;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToLongFunction;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.kernels.ElementType;

/**
 * A model as its container holds it: config, weights by their Hugging Face names, the tokens that
 * end a text. It remembers which tensors were taken. Not thread-safe; the tensors are.
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

  private final String source;
  private final Config config;
  private final Set<Integer> endOfText;
  private final Arrangement arrangement;
  private final Map<String, StoredTensor> tensors;
  private final UnaryOperator<String> containerName;
  private final Map<String, StoredTensor> taken = new TreeMap<>();

  /**
   * Takes what a container's reader found.
   *
   * @param source the container's name, for messages
   * @param tensors by their Hugging Face names; one may have several
   * @param containerName from a Hugging Face name to the container's, for messages
   */
  public Checkpoint(
      String source,
      Config config,
      Set<Integer> endOfText,
      Arrangement arrangement,
      Map<String, StoredTensor> tensors,
      UnaryOperator<String> containerName) {
    this.source = source;
    this.config = config;
    this.endOfText = endOfText;
    this.arrangement = arrangement;
    this.tensors = tensors;
    this.containerName = containerName;
  }

  /**
   * Opens a Hugging Face model directory or a GGUF file; nothing of the weights is read yet.
   *
   * @param arena how long the weights stay mapped
   * @throws CheckpointException if a file is missing, damaged, or of a kind that is not supported
   */
  public static Checkpoint open(Path path, Arena arena) {
    if (Files.isDirectory(path)) {
      return HuggingFaceDirectory.open(path, arena);
    }
    if (GgufFile.isNamedOrBeginsAsOne(path)) {
      return GgufCheckpoint.open(path, arena);
    }
    throw new CheckpointException(
        path
            + (Files.exists(path) ? ": no model" : ": no such file or directory")
            + "; expected a Hugging Face directory with config.json and safetensors, or a GGUF"
            + " file");
  }

  /** What the model is, in the fields of {@code config.json}. */
  public Config config() {
    return config;
  }

  /** The tokens that end a text, in the container's order; empty where it names none. */
  public Set<Integer> endOfText() {
    return Collections.unmodifiableSet(endOfText);
  }

  /** How the rows of attention's weights are ordered. */
  public Arrangement arrangement() {
    return arrangement;
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
      throw refuse(name, "is missing; expected one of shape " + shape);
    }
    if (!Arrays.equals(stored.shape().stream().mapToLong(Long::longValue).toArray(), expected)) {
      throw refuse(name, "has shape %s; expected %s".formatted(stored.shape(), shape));
    }
    ElementType type =
        stored
            .type()
            .orElseThrow(() ->
                refuse(
                    name,
                    "has type %s; expected one of %s"
                        .formatted(stored.typeName(), Arrays.toString(ElementType.values()))));
    taken.put(stored.name(), stored);
    return new TensorView(stored.name(), type, stored.shape(), stored.data());
  }

  /** The tensors taken so far, by name. */
  public List<TensorView> taken() {
    return taken.values().stream()
        .map(stored ->
            new TensorView(
                stored.name(), stored.type().orElseThrow(), stored.shape(), stored.data()))
        .toList();
  }

  /**
   * The exception for a tensor.
   *
   * @param what is wrong with it, and what was expected
   */
  public CheckpointException refuse(String name, String what) {
    return refuse("tensor %s %s".formatted(StrictJson.shown(containerName.apply(name)), what));
  }

  /**
   * The exception for several tensors.
   *
   * @param what is wrong with them, and what was expected
   */
  public CheckpointException refuse(String what) {
    return new CheckpointException(source + ": " + what);
  }

  /** Logs one warning that names the tensors nobody took, but for buffers of old checkpoints. */
  public void warnAboutUnused() {
    Set<String> unused = unused();
    if (!unused.isEmpty()) {
      LOGGER.log(
          Level.WARNING,
          "{0}: {1} tensors are not used by this architecture: {2}",
          source,
          unused.size(),
          shown(unused));
    }
  }

  /** The tensors nobody took, but for buffers of old checkpoints. */
  Set<String> unused() {
    Set<String> unused = new TreeSet<>();
    tensors.values().forEach(stored -> unused.add(stored.name()));
    unused.removeAll(taken.keySet());
    unused.removeIf(name -> LEGACY_BUFFERS.stream().anyMatch(name::endsWith));
    return unused;
  }

  static String shown(Set<String> names) {
    String first = names.stream().limit(MAX_NAMES_SHOWN).collect(Collectors.joining(", "));
    int more = names.size() - MAX_NAMES_SHOWN;
    return more > 0 ? "%s and %d more".formatted(first, more) : first;
  }

  /** Numbers in the tensors taken so far. */
  public long parameters() {
    return sum(StoredTensor::elements);
  }

  /** Bytes of the tensors taken so far. */
  public long weightBytes() {
    return sum(stored -> stored.data().byteSize());
  }

  private long sum(ToLongFunction<StoredTensor> of) {
    return taken.values().stream().mapToLong(of).sum();
  }

  /** Sums over all tensors, each counted once. */
  public long sumOfAll(ToLongFunction<StoredTensor> of) {
    return tensors.values().stream().distinct().mapToLong(of).sum();
  }

  /** Types of the tensors taken so far, in alphabetical order, e.g. {@code bf16}. */
  public Set<String> weightTypes() {
    return taken.values().stream()
        .map(stored -> stored.typeName().toLowerCase(Locale.ROOT))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /**
   * Tells this model from others: {@link Fingerprint} of its config and the tensors taken so far.
   */
  public String fingerprint() {
    return Fingerprint.of(config, taken.values());
  }
}
