package org.sinkstream.files;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Copies of packed files on disk, at {@code <root>/<sha-256 of the content>/<name>}: written once,
 * shared by every process of the user, and by nobody else. Thread-safe, also between processes.
 */
public final class FileCache {
  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rwx------");

  private final Path root;

  /**
   * A cache in a directory of its own.
   *
   * @param root made, readable by its owner alone, when the first file is put
   */
  public FileCache(Path root) {
    this.root = root;
  }

  /**
   * The user's cache: {@code sinkstream} in {@code $XDG_CACHE_HOME}, or in {@code ~/.cache} where
   * that is not set to an absolute path (XDG Base Directory Specification).
   */
  public static FileCache ofUser() {
    String cacheHome = System.getenv("XDG_CACHE_HOME");
    return new FileCache(
        cacheHome != null && cacheHome.startsWith("/")
            ? Path.of(cacheHome, "sinkstream")
            : Path.of(System.getProperty("user.home"), ".cache", "sinkstream"));
  }

  /**
   * Finds a file with this name and content, or writes it. What stands at its place with other
   * content, however it came there, is replaced.
   *
   * @return its path
   * @throws IOException if it cannot be written, or the cache belongs to another user
   */
  public Path put(String name, byte[] content) throws IOException {
    return put(Sha256.hex(content), Map.of(name, content)).resolve(name);
  }

  /**
   * As {@link #put(String, byte[])}, for files that belong together: one directory holds them all.
   *
   * @param files contents by name
   * @return the directory
   * @throws IOException if one cannot be written, or the cache belongs to another user
   */
  public Path put(Map<String, byte[]> files) throws IOException {
    StringBuilder sums = new StringBuilder(); // as sha256sum(1) prints them
    new TreeMap<>(files)
        .forEach((name, content) ->
            sums.append(Sha256.hex(content)).append("  ").append(name).append('\n'));
    return put(Sha256.hex(sums.toString().getBytes(StandardCharsets.UTF_8)), files);
  }

  private Path put(String key, Map<String, byte[]> files) throws IOException {
    if (!root.isAbsolute()) {
      throw new IOException(root + " is not an absolute path"); // a user without a home directory
    }
    createParents();
    claim(root);
    Path directory = claim(root.resolve(key));
    for (Map.Entry<String, byte[]> file : files.entrySet()) {
      put(directory, file.getKey(), file.getValue());
    }
    return directory;
  }

  private void createParents() throws IOException {
    try {
      Files.createDirectories(root.getParent());
    } catch (FileAlreadyExistsException file) {
      throw new NotDirectoryException(file.getFile()); // the other one's message is the path alone
    }
  }

  private static void put(Path directory, String name, byte[] content) throws IOException {
    Path file = directory.resolve(name);
    if (!holds(file, content)) {
      Path temporary = Files.createTempFile(directory, name, null);
      try {
        Files.write(temporary, content);
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(temporary);
      }
    }
  }

  private static boolean holds(Path file, byte[] content) throws IOException {
    return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
        && Files.size(file) == content.length
        && Arrays.equals(Files.readAllBytes(file), content);
  }

  /** Makes a directory that only this user may enter, or proves that it is one. */
  private static Path claim(Path directory) throws IOException {
    try {
      return Files.createDirectory(directory, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    } catch (FileAlreadyExistsException present) {
      PosixFileAttributes attributes =
          Files.readAttributes(directory, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      if (!attributes.isDirectory()) {
        throw new IOException(directory + " is not a directory");
      }
      int owner = (int) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      if (owner != currentUser()) {
        throw new IOException(
            "%s belongs to %s, not to the user of this process"
                .formatted(directory, attributes.owner().getName()));
      }
      if (!attributes.permissions().equals(OWNER_ONLY)) {
        Files.setPosixFilePermissions(directory, OWNER_ONLY);
      }
      return directory;
    }
  }

  /**
   * The effective user id: {@code user.name} has no meaning in a container without a passwd entry.
   */
  private static int currentUser() {
    Linker linker = Linker.nativeLinker();
    try {
      return (int)
          linker
              .downcallHandle(
                  linker.defaultLookup().findOrThrow("geteuid"),
                  FunctionDescriptor.of(ValueLayout.JAVA_INT))
              .invokeExact();
    } catch (Throwable impossible) {
      throw new AssertionError(impossible);
    }
  }
}
