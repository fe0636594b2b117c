package org.sinkstream.cli;

import org.sinkstream.ModelOptions;
import picocli.CommandLine.Option;

/** How many threads work on an operation. */
final class ThreadsMixin {
  @Option(
      names = "--threads",
      paramLabel = "N",
      converter = WholeNumber.Threads.class,
      description = "Threads; the cores this process may use when left out.")
  private long threads = ModelOptions.defaults().threads();

  /** The number asked for; 0 for the cores this process may use. */
  int count() {
    return Math.toIntExact(threads);
  }
}
