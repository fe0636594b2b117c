package org.sinkstream.files;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file that is written beside its target and takes the target's place when it is whole. What is
 * never committed leaves nothing behind, also when the process is ended by a signal. A target that
 * is a device or a pipe is written to directly. Used by one thread.
 */
public final class AtomicFile implements AutoCloseable {
  /** What is not whole yet; removed at the end of the process, which may come by a signal. */
  private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> UNFINISHED.forEach(path -> path.toFile().delete())));
  }

  private final Path target;
  private final @Nullable Path temporary;
  private final OutputStream out;

  private AtomicFile(Path name, Path target, @Nullable Path temporary) throws IOException {
    this.target = target;
    this.temporary = temporary;
    if (temporary == null) {
      out = buffered(name, Files.newOutputStream(target));
      return;
    }
    UNFINISHED.add(temporary); // before it is there: a signal may come in between
    try {
      out =
          buffered(
              name,
              Files.newOutputStream(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    } catch (IOException failure) {
      UNFINISHED.remove(temporary);
      throw failure;
    }
  }

  private static OutputStream buffered(Path name, OutputStream out) {
    return new BufferedOutputStream(new NamedOutput(name, out));
  }

  /**
   * Starts a file; the target stays what it is until {@link #commit}.
   *
   * @throws IOException if the target is a directory, or nothing can be written beside it
   */
  public static AtomicFile create(Path target) throws IOException {
    if (Files.isDirectory(target)) {
      throw new FileSystemException(target.toString(), null, "a directory; expected a file");
    }
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      return new AtomicFile(target, target, null);
    }
    // A link stays a link: the file that it leads to is replaced.
    Path place = Files.exists(target) ? target.toRealPath() : target.toAbsolutePath();
    Path directory = Objects.requireNonNull(place.getParent(), "only a directory has no parent");
    if (!Files.isDirectory(directory)) {
      throw new NoSuchFileException(directory.toString());
    }
    // Not createTempFile, whose files are for their owner alone: this one becomes an ordinary file.
    String suffix = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    try {
      return new AtomicFile(
          target, place, directory.resolve(".%s.%s.part".formatted(place.getFileName(), suffix)));
    } catch (AccessDeniedException denied) {
      throw new AccessDeniedException(target.toString());
    }
  }

  /** Where the content goes; buffered. */
  public OutputStream out() {
    return out;
  }

  /** Ends the file and puts it in the target's place. */
  public void commit() throws IOException {
    out.close();
    if (temporary != null) {
      try {
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  /** Removes what was not committed. */
  @Override
  public void close() throws IOException {
    try (out) {
      if (temporary != null) {
        Files.deleteIfExists(temporary);
        UNFINISHED.remove(temporary);
      }
    }
  }
}
