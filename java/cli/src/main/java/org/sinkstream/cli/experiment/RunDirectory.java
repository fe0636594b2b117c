package org.sinkstream.cli.experiment;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.sinkstream.files.AtomicFile;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The folder of one run: its results, and in {@code parts} what it takes to go on after an
 * interruption. What the run was asked for is in {@code run.json}; only a run that asks for the
 * same may go on.
 */
public final class RunDirectory {
  private static final String RUN = "run.json";
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path directory;
  private final String command;
  private final Map<String, String> parameters;
  private boolean begun;

  private RunDirectory(
      Path directory, String command, Map<String, String> parameters, boolean begun) {
    this.directory = directory;
    this.command = command;
    this.parameters = parameters;
    this.begun = begun;
  }

  /**
   * A new run, or the one that the folder holds. Nothing is written before the run has something to
   * write.
   *
   * @param resume whether the folder may hold one
   * @param command the command line that repeats the run
   * @param parameters all that results depend on
   * @throws IllegalArgumentException if the folder holds something else
   */
  public static RunDirectory open(
      Path directory, boolean resume, String command, Map<String, String> parameters)
      throws IOException {
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      throw new NotDirectoryException(directory.toString());
    }
    Path run = directory.resolve(RUN);
    if (resume && Files.exists(run)) {
      JsonNode before = read(run);
      checkSame(run, before.path("parameters"), parameters);
      return new RunDirectory(
          directory, before.path("command").asString(command), parameters, true);
    }
    if (!isEmpty(directory)) {
      throw new IllegalArgumentException(
          Files.exists(run)
              ? "--out %s: holds a run already; expected an empty folder, or --resume to go on"
                  .formatted(directory)
              : "--out %s: not empty; expected an empty or a new folder".formatted(directory));
    }
    return new RunDirectory(directory, command, parameters, false);
  }

  private static boolean isEmpty(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return true;
    }
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.findAny().isEmpty();
    }
  }

  private void begin() throws IOException {
    if (begun) {
      return;
    }
    Files.createDirectories(directory);
    ObjectNode json = JSON.createObjectNode().put("command", command);
    ObjectNode asked = json.putObject("parameters");
    parameters.forEach(asked::put);
    write(directory.resolve("command.txt"), (command + "\n").getBytes(UTF_8));
    write(directory.resolve(RUN), (JSON.writeValueAsString(json) + "\n").getBytes(UTF_8));
    begun = true;
  }

  private static JsonNode read(Path run) throws IOException {
    try {
      return JSON.readTree(Files.readString(run));
    } catch (JacksonException damaged) {
      throw new IllegalArgumentException(
          run + ": damaged: " + damaged.getOriginalMessage(), damaged);
    }
  }

  private static void checkSame(Path run, JsonNode before, Map<String, String> now) {
    Set<String> names = new LinkedHashSet<>(now.keySet());
    names.addAll(before.propertyNames());
    for (String name : names) {
      String old = before.path(name).asString("not given");
      String given = now.getOrDefault(name, "not given");
      if (!old.equals(given)) {
        throw new IllegalArgumentException(
            "--resume: %s began with %s %s, and now it is %s; expected the same"
                .formatted(run, name, old, given));
      }
    }
  }

  /** The command line that began this run. */
  String command() {
    return command;
  }

  /** A folder for what one part of the run keeps. */
  Path part(String name) throws IOException {
    begin();
    return Files.createDirectories(directory.resolve("parts").resolve(name));
  }

  /** Writes a text file, as a whole or not at all. */
  void write(String name, String text) throws IOException {
    write(name, text.getBytes(UTF_8));
  }

  /** Writes a file, as a whole or not at all. */
  void write(String name, byte[] bytes) throws IOException {
    begin();
    write(directory.resolve(name), bytes);
  }

  /** Writes a file, as a whole or not at all. */
  static void write(Path path, byte[] bytes) throws IOException {
    try (AtomicFile file = AtomicFile.create(path)) {
      file.out().write(bytes);
      file.commit();
    }
  }
}
