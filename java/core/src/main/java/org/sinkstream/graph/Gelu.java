package org.sinkstream.graph;

import org.sinkstream.kernels.Workspace.Output;

/** How an MLP's GELU is computed. */
public enum Gelu {
  /** With the error function. */
  EXACT(Output.GELU_EXACT),
  /** The tanh approximation. */
  TANH(Output.GELU_TANH);

  final Output output;

  Gelu(Output output) {
    this.output = output;
  }
}
