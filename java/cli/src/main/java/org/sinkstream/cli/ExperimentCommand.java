package org.sinkstream.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The paper's experiments, each a command of its own. */
@Command(
    name = "experiment",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = {
      "The paper's experiments on your model: a folder with a report, tables and pictures.",
      "Ctrl-C stops one where it can go on with --resume; what is done is kept also when the process"
          + " is killed."
    })
final class ExperimentCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private ExperimentCommand() {}

  /** The command with those below it. */
  static CommandLine commandLine(Streams streams) {
    return new CommandLine(new ExperimentCommand())
        .addSubcommand(new ExperimentPerplexityCommand(streams))
        .addSubcommand(new ExperimentSinksCommand(streams))
        .addSubcommand(new ExperimentCacheSizeCommand(streams))
        .addSubcommand(new ExperimentLatencyCommand(streams))
        .addSubcommand(new ExperimentAttentionMapCommand(streams))
        .addSubcommand(new ExperimentStreamEvalCommand(streams));
  }

  /** No experiment was named. */
  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "no experiment; expected one of %s (--help says more)"
            .formatted(String.join(", ", spec.subcommands().keySet())));
  }
}
