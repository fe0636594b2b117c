package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code sinkstream} command. */
@Command(
    name = "sinkstream",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    description = "Endless decoding of language models at constant memory.",
    footer =
        "Exit codes: 0; 2 for bad input; 1 for a fault of the program; 130 where Ctrl-C killed it.")
public final class Main implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  private Main() {}

  /**
   * Runs one command and ends the process with its exit code.
   *
   * @param arguments what the user typed
   */
  public static void main(String[] arguments) {
    RememberingOutput out = new RememberingOutput(new FileOutputStream(FileDescriptor.out));
    Streams streams = Streams.ofProcess(out);
    int code = run(streams, arguments);
    try {
      out.check();
    } catch (IOException lost) {
      code = Failures.report(lost, streams.err());
    }
    System.exit(code);
  }

  /** Runs one command; the exit code. */
  static int run(Streams streams, String... arguments) {
    Warnings.showOn(streams.err());
    try {
      refuseMangled(System.getProperty("sun.jnu.encoding"), arguments);
      return commandLine(streams).execute(arguments);
    } catch (Error | IllegalArgumentException failure) {
      // picocli hands on exceptions of commands only.
      return Failures.report(failure, streams.err());
    } finally {
      streams.out().flush();
    }
  }

  /** The JVM replaces what the locale's encoding lacks, and a changed prompt is another prompt. */
  static void refuseMangled(String encoding, String... arguments) {
    for (String argument : arguments) {
      if (!encoding.equals("UTF-8") && argument.contains("\ufffd")) {
        throw new IllegalArgumentException(
            "argument '%s': bytes that are no text in this locale, %s; expected a UTF-8 locale such as LC_ALL=C.UTF-8"
                .formatted(argument, encoding));
      }
    }
  }

  private static CommandLine commandLine(Streams streams) {
    CommandLine line = new CommandLine(new Main());
    for (Object command :
        new Object[] {
          new DemoCommand(streams),
          new GenerateCommand(streams),
          new ChatCommand(streams),
          new PerplexityCommand(streams),
          new LogitsCommand(),
          new ConvertCommand(streams),
          new InfoCommand(streams),
          new BenchCommand(streams)
        }) {
      line.addSubcommand(command);
    }
    line.addSubcommand(ExperimentCommand.commandLine(streams));
    return line.setCaseInsensitiveEnumValuesAllowed(true)
        .setExpandAtFiles(false)
        .setOut(new PrintWriter(streams.out(), true, UTF_8))
        .setParameterExceptionHandler((refused, ignored) -> Failures.report(refused, streams.err()))
        .setExecutionExceptionHandler(
            (failure, ignored, parsed) -> Failures.report(failure, streams.err()));
  }

  /** No command was named. */
  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "no command; expected one of %s (--help says more)"
            .formatted(String.join(", ", spec.subcommands().keySet())));
  }
}
