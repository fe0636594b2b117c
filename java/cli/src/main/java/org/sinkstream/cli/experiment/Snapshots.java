package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.Stream;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.Session;

/**
 * The saved states of one stream. A state's file is named after how far the stream was, so that
 * position and state are never of different moments; the newest one is where the stream goes on.
 */
final class Snapshots {
  private static final String PREFIX = "session-";
  private static final long LEAST_NANOS = 10_000_000_000L;

  /** Of the time, at most one part in so many goes into saving. */
  private static final int SHARE = 50;

  private final Path directory;
  private long due = System.nanoTime() + LEAST_NANOS;

  Snapshots(Path directory) {
    this.directory = directory;
  }

  /** How far the stream was when it was saved last. */
  OptionalLong newest() throws IOException {
    return all().stream().mapToLong(Snapshots::position).max();
  }

  /** The stream as it was at a {@link #newest} position. */
  Session restore(Model model, CachePolicy policy, long position) throws IOException {
    return model.restore(file(position), policy);
  }

  /** Whether it is time to save the stream again. */
  boolean due() {
    return System.nanoTime() - due >= 0;
  }

  /** Saves the stream, and forgets older states. */
  void save(Session session, long position) throws IOException {
    long begin = System.nanoTime();
    session.save(file(position));
    for (Path old : all()) {
      if (position(old) != position) {
        Files.deleteIfExists(old);
      }
    }
    long end = System.nanoTime();
    due = end + Math.max(LEAST_NANOS, SHARE * (end - begin));
  }

  /** Forgets every state. */
  void clear() throws IOException {
    for (Path old : all()) {
      Files.deleteIfExists(old);
    }
  }

  private Path file(long position) {
    return directory.resolve(PREFIX + position);
  }

  private List<Path> all() throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().matches(PREFIX + "\\d{1,18}"))
          .toList();
    }
  }

  private static long position(Path file) {
    return Long.parseLong(file.getFileName().toString().substring(PREFIX.length()));
  }
}
