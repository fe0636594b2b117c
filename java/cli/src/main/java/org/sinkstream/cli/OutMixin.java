package org.sinkstream.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.sinkstream.cli.experiment.Experiment;
import org.sinkstream.cli.experiment.RunDirectory;
import org.sinkstream.cli.experiment.StoppedException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** Where an experiment writes, and whether it goes on with what lies there. */
final class OutMixin {
  private static final int STOPPED = 130; // 128 + SIGINT, as shells have it

  /** What an experiment's results do not depend on. */
  private static final List<String> FREE = List.of("--out", "--resume", "--threads");

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "A new folder for the report, its tables and its pictures.")
  private Path out = Path.of("");

  @Option(
      names = "--resume",
      description = "Goes on with the run in --out where it was interrupted; all else as it was.")
  private boolean resume;

  /** Runs an experiment; the exit code. */
  int run(Streams streams, Experiment experiment) throws IOException {
    RunDirectory directory = RunDirectory.open(out, resume, command(), parameters());
    try (Interrupt interrupt = Interrupt.open()) {
      experiment.run(directory, new ExperimentMonitor(streams, interrupt));
      streams.out().println(out.resolve("report.md"));
      return 0;
    } catch (StoppedException stopped) {
      streams.err().println("stopped; the same command with --resume goes on");
      return STOPPED;
    }
  }

  /** The command line without {@code --resume}, as a shell reads it. */
  private String command() {
    return spec.root().commandLine().getParseResult().originalArgs().stream()
        .filter(argument -> !argument.equals("--resume"))
        .map(OutMixin::quoted)
        .collect(Collectors.joining(" ", "sinkstream ", ""));
  }

  private static String quoted(String argument) {
    return argument.matches("[A-Za-z0-9_@%+=:,./-]+")
        ? argument
        : "'" + argument.replace("'", "'\\''") + "'";
  }

  private Map<String, String> parameters() {
    Map<String, String> parameters = new LinkedHashMap<>();
    parameters.put("experiment", spec.name());
    parameters.put("version", Version.number());
    ParseResult parsed = spec.commandLine().getParseResult();
    parsed
        .matchedOptions()
        .forEach(option -> {
          if (!FREE.contains(option.longestName())) {
            parameters.put(option.longestName(), String.join(" ", option.originalStringValues()));
          }
        });
    return parameters;
  }
}
