package org.sinkstream.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code sinkstream} command. */
@Command(
    name = "sinkstream",
    mixinStandardHelpOptions = true,
    version = "sinkstream 0.1.0",
    description = "Endless decoding of language models at constant memory.")
public final class Main {
  private Main() {}

  /**
   * Runs one command and ends the process with its exit code.
   *
   * @param arguments what the user typed
   */
  public static void main(String[] arguments) {
    System.exit(new CommandLine(new Main()).execute(arguments));
  }
}
