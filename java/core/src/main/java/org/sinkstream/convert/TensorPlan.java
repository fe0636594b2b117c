package org.sinkstream.convert;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sinkstream.checkpoint.Checkpoint;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.checkpoint.GgufWriter;
import org.sinkstream.checkpoint.TensorView;
import org.sinkstream.kernels.ElementType;

/** Decides what the tensors that a model took from a checkpoint become. */
public final class TensorPlan {
  private static final Logger LOGGER = System.getLogger(TensorPlan.class.getName());
  private static final Pattern LAYER = Pattern.compile("blk\\.(\\d+)\\..*");

  private final GgufModel model;
  private final Checkpoint checkpoint;
  private final Mixture mixture;
  private final List<PlannedTensor> tensors = new ArrayList<>();

  /** Names of the tensors that could not get the type they should have, by what happened. */
  private final Map<String, List<String>> unfit = new LinkedHashMap<>();

  private TensorPlan(GgufModel model, Checkpoint checkpoint, Mixture mixture) {
    this.model = model;
    this.checkpoint = checkpoint;
    this.mixture = mixture;
  }

  /**
   * All of them, in the order of the file: embedding, layers, what comes after. Logs a warning
   * where a type does not fit a tensor's rows.
   *
   * @param checkpoint whose tensors the model has taken
   * @param arena for what is in the file and not in the checkpoint
   */
  public static List<PlannedTensor> of(
      GgufModel model, Checkpoint checkpoint, Mixture mixture, Arena arena) {
    return new TensorPlan(model, checkpoint, mixture).all(arena);
  }

  private List<PlannedTensor> all(Arena arena) {
    for (TensorView tensor : checkpoint.taken()) {
      String name = ggufName(tensor.name());
      add(tensor, name);
      if (name.equals(GgufArchitecture.EMBEDDING) && model.repeatsEmbedding()) {
        add(tensor, GgufArchitecture.HEAD);
      }
    }
    model
        .vectors()
        .forEach((name, values) -> {
          MemorySegment data = arena.allocateFrom(JAVA_FLOAT, values);
          List<Long> shape = List.of((long) values.length);
          add(new TensorView(name, ElementType.F32, shape, data), name);
        });
    unfit.forEach(TensorPlan::warn);
    tensors.sort(
        Comparator.comparingInt(TensorPlan::place).thenComparing(tensor -> tensor.target().name()));
    return List.copyOf(tensors);
  }

  private String ggufName(String name) {
    return model
        .architecture()
        .ggufName(name)
        .orElseThrow(() ->
            checkpoint.refuse(
                name, "has no place in a GGUF file of architecture " + model.architecture().id()));
  }

  private void add(TensorView tensor, String name) {
    ElementType wanted = mixture.wanted(name, tensor.shape());
    long columns = tensor.shape().getLast();
    Optional<ElementType> instead =
        tensor.shape().size() < 2 ? Optional.empty() : Mixture.instead(wanted, columns);
    instead.ifPresent(type ->
        unfit
            .computeIfAbsent(
                "rows of %d values are no whole number of blocks of %d: stored as %s"
                    .formatted(columns, wanted.blockValues(), type),
                what -> new ArrayList<>())
            .add(name));
    GgufWriter.Tensor target = new GgufWriter.Tensor(name, instead.orElse(wanted), tensor.shape());
    tensors.add(new PlannedTensor(tensor, target, model.rows(name, checkpoint.arrangement())));
  }

  private static void warn(String what, List<String> names) {
    String more = names.size() > 1 ? " and %d more".formatted(names.size() - 1) : "";
    LOGGER.log(Level.WARNING, "{0}{1}: {2}", names.getFirst(), more, what);
  }

  private static int place(PlannedTensor tensor) {
    String name = tensor.target().name();
    Matcher layer = LAYER.matcher(name);
    if (layer.matches()) {
      return Integer.parseInt(layer.group(1));
    }
    return name.equals(GgufArchitecture.EMBEDDING) ? -1 : Integer.MAX_VALUE;
  }
}
