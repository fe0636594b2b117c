package org.sinkstream.cli;

import org.sinkstream.cli.experiment.ScoredText;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The text of an experiment. */
final class ScoredTextMixin {
  @ArgGroup(exclusive = true, multiplicity = "1")
  private TokenSource source = new TokenSource();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      converter = WholeNumber.Any.class,
      description = "Only the first N tokens; 0 for all (default: ${DEFAULT-VALUE}).")
  private long maxTokens;

  @Option(
      names = "--repeat",
      description = "Starts the text again where it ends, until there are --max-tokens.")
  private boolean repeat;

  /** The text asked for. */
  ScoredText text() {
    return new ScoredText(source::read, maxTokens, repeat);
  }
}
