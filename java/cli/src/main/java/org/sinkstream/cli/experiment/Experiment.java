package org.sinkstream.cli.experiment;

import java.io.IOException;

/** Something to find out about models. */
public interface Experiment {
  /**
   * Runs it, or what is left of it, and writes the report.
   *
   * @throws StoppedException if the monitor asked for it; what was done is kept
   */
  void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException;
}
