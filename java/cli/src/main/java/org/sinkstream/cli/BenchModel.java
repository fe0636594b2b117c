package org.sinkstream.cli;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.SyntheticShape;
import org.sinkstream.WeightType;
import org.sinkstream.cli.experiment.ModelSource;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** What is measured: a model that somebody trained, or random weights. */
final class BenchModel {
  @Mixin private final ModelMixin model = new ModelMixin();
  @Mixin private final SyntheticMixin synthetic = new SyntheticMixin();

  @Option(
      names = "--type",
      paramLabel = "TYPE",
      converter = WeightTypeName.class,
      description = "Type of the random weights (default: q4_0): " + WeightTypeName.NAMES + ".")
  private @Nullable WeightType type;

  /** Opens or makes it. */
  Model open() throws IOException {
    Optional<SyntheticShape> shape = synthetic.shapeInsteadOf(model.given());
    if (shape.isPresent()) {
      try (LoadBar bar = new LoadBar()) {
        return Model.synthetic(
            shape.get(), type == null ? WeightType.Q4_0 : type, model.options(), bar);
      }
    }
    if (type != null) {
      throw new IllegalArgumentException(
          "--type %s without --synthetic; expected neither or both: a trained model has its types"
              .formatted(type));
    }
    return model.open();
  }

  /** The model for an experiment, which opens it when its turn comes. */
  ModelSource source() {
    return synthetic
        .shape()
        .map(shape -> new ModelSource(name(), shape.toString(), this::open))
        .orElseGet(model::source);
  }

  /** The model as the user named it. */
  String name() {
    return synthetic.shape().map(shape -> shape + " (synthetic)").orElseGet(model::name);
  }

  /** Tokens that go through the layers together. */
  int chunk() {
    return model.chunk();
  }

  /** Whether weights are packed at load. */
  boolean repack() {
    return model.options().repack();
  }

  /** Adds what it is and where it runs. */
  ObjectNode addTo(ObjectNode fields, ModelInfo info) {
    return Json.addModel(fields, model, info).put("model", name());
  }
}
