package org.sinkstream;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.LongConsumer;
import java.util.stream.Collectors;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.GgufEntries;
import org.sinkstream.checkpoint.GgufKeys;
import org.sinkstream.checkpoint.GgufWriter;
import org.sinkstream.convert.GgufModel;
import org.sinkstream.convert.Mixture;
import org.sinkstream.convert.PlannedTensor;
import org.sinkstream.convert.TensorPlan;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.files.AtomicFile;
import org.sinkstream.graph.ModelConfig;
import org.sinkstream.graph.Network;
import org.sinkstream.kernels.Device;
import org.sinkstream.kernels.Operations;
import org.sinkstream.text.TokenizerMetadata;

/**
 * A checkpoint about to become a GGUF file. Opening one checks all that decoding would check; the
 * weights then go through memory some rows at a time. Not thread-safe.
 */
public final class Conversion implements AutoCloseable {
  private static final Logger LOGGER = System.getLogger(Conversion.class.getName());

  /** Values that are in memory together, unless a single row has more. */
  private static final int CHUNK_VALUES = 1 << 20;

  private final Device device;
  private final Arena arena;
  private final Checkpoint checkpoint;
  private final GgufEntries entries = new GgufEntries();
  private final List<PlannedTensor> tensors;

  /**
   * Opens a Hugging Face model directory.
   *
   * @param name of the model, for {@code general.name}
   * @param threads that quantise; 0 for the cores this process may use
   * @throws CheckpointException if a file is missing, damaged or of a kind that is not supported,
   *     or has what a GGUF file cannot say
   */
  public static Conversion open(Path directory, String name, WeightType type, int threads) {
    if (Files.isRegularFile(directory)) {
      throw new CheckpointException(
          directory + ": a file; expected a Hugging Face directory, to make a GGUF file of");
    }
    Path tokenizer = directory.resolve("tokenizer.json");
    boolean present = Files.exists(tokenizer);
    Conversion opened =
        open(
            (device, arena) -> Checkpoint.open(directory, arena),
            present ? Optional.of(tokenizer) : Optional.empty(),
            name,
            type,
            threads);
    if (!present) {
      LOGGER.log(Level.WARNING, "{0}: missing, so the file has no tokenizer", tokenizer);
    }
    return opened;
  }

  /**
   * Makes random weights in the shape of a published model, for whoever wants to measure another
   * program with them.
   *
   * @param threads that make them; 0 for the cores this process may use
   * @throws org.sinkstream.error.DeviceMemoryException if they take more memory than there is
   */
  public static Conversion synthetic(SyntheticShape shape, WeightType type, int threads) {
    return open(
        (device, arena) -> shape.checkpoint(type, device, arena, false),
        Optional.empty(),
        shape.toString(),
        type,
        threads);
  }

  private static Conversion open(
      BiFunction<Device, Arena, Checkpoint> source,
      Optional<Path> tokenizer,
      String name,
      WeightType type,
      int threads) {
    Device device = Device.openCpu(threads);
    Arena arena = Arena.ofShared();
    try {
      return new Conversion(device, arena, source.apply(device, arena), tokenizer, name, type);
    } catch (RuntimeException | Error failure) {
      arena.close();
      device.close();
      throw failure;
    }
  }

  /**
   * Takes a checkpoint in the arrangement of Hugging Face, wherever it is from.
   *
   * @param device that quantises; closed with this
   * @param arena of the checkpoint; closed with this
   * @param tokenizer a {@code tokenizer.json}; without one the file says that it has no tokenizer
   */
  Conversion(
      Device device,
      Arena arena,
      Checkpoint checkpoint,
      Optional<Path> tokenizer,
      String name,
      WeightType type) {
    this.device = device;
    this.arena = arena;
    this.checkpoint = checkpoint;
    ModelConfig config = ModelConfig.read(checkpoint.config());
    GgufModel model = GgufModel.of(checkpoint.config(), config);
    Network network = // takes every tensor that decoding takes
        new Network(device, arena, checkpoint, config, false, bytes -> {});
    checkpoint.warnAboutUnused();
    model
        .unknownToLlamaCpp(network.hasSinkLogits())
        .ifPresent(what ->
            LOGGER.log(
                Level.WARNING,
                "llama.cpp will not read the file: it does not know {0} in architecture {1}",
                what,
                model.architecture().id()));
    config
        .sinks()
        .token()
        .ifPresent(token ->
            LOGGER.log(
                Level.WARNING,
                "llama.cpp does not put the sink token {0} in front of a text: it does not know the"
                    + " key {1}",
                Integer.toString(token),
                GgufKeys.SINK_TOKEN_ID));
    Mixture mixture = type.mixture(config.layers(), model.sharesEmbedding());
    tensors = TensorPlan.of(model, checkpoint, mixture, arena);
    entries.string(GgufKeys.ARCHITECTURE, model.architecture().id());
    entries.string(GgufKeys.TYPE, "model");
    entries.string(GgufKeys.NAME, name);
    entries.uint32(GgufKeys.FILE_TYPE, type.fileType());
    entries.uint32(GgufKeys.QUANTIZATION_VERSION, GgufKeys.BLOCK_FORMATS);
    entries.uint32(GgufKeys.ALIGNMENT, GgufWriter.ALIGNMENT);
    model.describe(entries);
    tokenizer.ifPresentOrElse(
        file -> entries.putAll(tokens(file, config.vocabulary())),
        () -> entries.string(GgufKeys.TOKENIZER_MODEL, GgufKeys.NO_TOKENIZER));
  }

  private Map<String, Object> tokens(Path file, int vocabulary) {
    return TokenizerMetadata.of(
        file,
        vocabulary,
        checkpoint.config().tokenIds("bos_token_id").stream()
            .mapToInt(Integer::intValue)
            .findFirst(),
        List.copyOf(checkpoint.endOfText()));
  }

  /** Bytes of the file. */
  public long bytes() {
    return GgufWriter.fileBytes(entries, targets());
  }

  /** Tensors of each type, e.g. {@code f32} and {@code q4_k}. */
  public Map<String, Long> types() {
    return tensors.stream()
        .collect(
            Collectors.groupingBy(
                tensor -> tensor.target().type().toString(), TreeMap::new, Collectors.counting()));
  }

  private List<GgufWriter.Tensor> targets() {
    return tensors.stream().map(PlannedTensor::target).toList();
  }

  /**
   * Writes the file, which is whole or not there.
   *
   * @param progress gets how many more bytes are written
   * @throws IOException if it cannot be written
   * @throws CheckpointException for a weight that is NaN, infinite, or beyond what its type holds
   */
  public void write(Path file, LongConsumer progress) throws IOException {
    int most = tensors.stream().mapToInt(Conversion::chunkValues).max().orElseThrow();
    try (AtomicFile out = AtomicFile.create(file);
        Arena buffers = Arena.ofConfined()) {
      MemorySegment floats = buffers.allocate(JAVA_FLOAT, most);
      MemorySegment narrow = buffers.allocate(floats.byteSize(), Long.BYTES);
      GgufWriter writer = new GgufWriter(out.out(), entries, targets());
      progress.accept(writer.headerBytes());
      for (PlannedTensor tensor : tensors) {
        write(tensor, floats, narrow, writer, progress);
        if (tensor.source().data().isMapped()) {
          tensor.source().data().unload(); // or all of the source would count as resident
        }
      }
      writer.finish();
      out.commit();
    }
  }

  private static int chunkValues(PlannedTensor tensor) {
    return Math.multiplyExact(chunkRows(tensor), tensor.columns());
  }

  private static int chunkRows(PlannedTensor tensor) {
    return Math.clamp(CHUNK_VALUES / tensor.columns(), 1, tensor.rows());
  }

  private void write(
      PlannedTensor tensor,
      MemorySegment floats,
      MemorySegment narrow,
      GgufWriter writer,
      LongConsumer progress)
      throws IOException {
    Operations operations = new Operations(device);
    byte[] bytes = new byte[0];
    for (int first = 0; first < tensor.rows(); first += chunkRows(tensor)) {
      int count = Math.min(chunkRows(tensor), tensor.rows() - first);
      if (tensor.isCopied()) {
        tensor.copy(first, count, narrow);
      } else {
        tensor.read(operations, first, count, floats);
        quantize(operations, tensor, first, count, floats, narrow);
      }
      int size = Math.toIntExact(tensor.target().type().bytes((long) count * tensor.columns()));
      bytes = bytes.length < size ? new byte[size] : bytes;
      MemorySegment.copy(narrow, JAVA_BYTE, 0, bytes, 0, size);
      progress.accept(writer.write(bytes, size));
    }
  }

  private void quantize(
      Operations operations,
      PlannedTensor tensor,
      int first,
      int count,
      MemorySegment floats,
      MemorySegment narrow) {
    try {
      operations.quantize(floats, tensor.target().type(), count, tensor.columns(), narrow);
    } catch (IllegalArgumentException unholdable) {
      throw checkpoint.refuse(
          tensor.source().name(),
          "cannot become %s: of rows %d to %d, %s"
              .formatted(
                  tensor.target().type(), first, first + count - 1, unholdable.getMessage()));
    }
  }

  @Override
  public void close() {
    arena.close();
    device.close();
  }
}
