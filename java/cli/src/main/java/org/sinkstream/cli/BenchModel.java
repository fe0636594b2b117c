package org.sinkstream.cli;

import java.io.IOException;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import picocli.CommandLine.Mixin;
import tools.jackson.databind.node.ObjectNode;

/** What is measured. */
final class BenchModel {
  @Mixin private final ModelMixin model = new ModelMixin();

  /** Opens it. */
  Model open() throws IOException {
    return model.open();
  }

  /** The model as the user named it. */
  String name() {
    return model.name();
  }

  /** Tokens that go through the layers together. */
  int chunk() {
    return model.chunk();
  }

  /** Adds what it is and where it runs. */
  ObjectNode addTo(ObjectNode fields, ModelInfo info) {
    return Json.addModel(fields, model, info);
  }
}
