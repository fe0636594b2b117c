package org.sinkstream.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.DeviceException;
import org.sinkstream.error.NativeLibraryException;
import org.sinkstream.files.FileCache;

/**
 * Finds and loads a native library. {@code -Dsinkstream.library.path}, a file or the directory that
 * holds it, is taken where it is set; else the library packed in the jar for this platform, by way
 * of the user's {@link FileCache} or, where that cannot be used, of a temporary directory.
 */
final class NativeLibrary {
  /** The system property that overrides what is packed. */
  static final String PATH_PROPERTY = "sinkstream.library.path";

  /** The environment variable that names the CUDA back end's file. */
  static final String CUDA_VARIABLE = "SINKSTREAM_CUDA_LIBRARY";

  private static @Nullable Path loaded;

  /**
   * The CUDA back end, once unpacked: to look whether it still is the same takes reading it twice.
   */
  private static @Nullable Path unpackedCuda;

  private final String fileName;
  private final List<String> tried = new ArrayList<>();
  private Path opened = Path.of("");

  private NativeLibrary(String name) {
    this.fileName = System.mapLibraryName(name);
  }

  /**
   * Loads the library that the bindings call. They look symbols up among those of this class's
   * loader.
   *
   * @return the file it was loaded from
   * @throws NativeLibraryException with every place tried and what the dynamic linker said of it
   */
  static synchronized Path load() {
    if (loaded == null) {
      String override = System.getProperty(PATH_PROPERTY);
      loaded =
          override == null
              ? loadPacked("sinkstream", FileCache.ofUser())
              : loadFrom("sinkstream", override);
    }
    return loaded;
  }

  /** Loads a library from a file, or from the directory that holds it. */
  static Path loadFrom(String name, String override) {
    NativeLibrary library = new NativeLibrary(name);
    Path given = Path.of(override).toAbsolutePath();
    Path file = Files.isDirectory(given) ? given.resolve(library.fileName) : given;
    if (!library.open(file)) {
      throw library.failure(" from -D" + PATH_PROPERTY + "=" + override);
    }
    return file;
  }

  /** Loads a packed library by way of a cache, else of a temporary directory. */
  static Path loadPacked(String name, FileCache cache) {
    NativeLibrary library = new NativeLibrary(name);
    byte[] content = library.packed();
    if (content == null
        || !(library.openCached(content, cache) || library.openTemporary(content))) {
      throw library.failure("; -D" + PATH_PROPERTY + " names another place");
    }
    return library.opened;
  }

  /**
   * The CUDA back end packed in a jar of its own, as a file; empty where there is none, or where
   * the environment's {@value #CUDA_VARIABLE} names one. The library itself finds one beside it.
   */
  static synchronized Optional<Path> packedCuda() {
    if (unpackedCuda != null && Files.exists(unpackedCuda)) {
      return Optional.of(unpackedCuda);
    }
    NativeLibrary library = new NativeLibrary("sinkstream_cuda");
    String named = System.getenv(CUDA_VARIABLE);
    byte[] content = named == null || named.isEmpty() ? library.packed() : null;
    if (content == null) {
      return Optional.empty();
    }
    try {
      unpackedCuda = FileCache.ofUser().put(library.fileName, content);
      return Optional.of(unpackedCuda);
    } catch (IOException e) {
      throw new DeviceException(
          "the CUDA back end cannot be unpacked to the cache: "
              + describe(e)
              + "; "
              + CUDA_VARIABLE
              + " names a copy elsewhere",
          e);
    }
  }

  private byte @Nullable [] packed() {
    // Of the class loader: a jar with more natives is another module.
    String resource = "org/sinkstream/native/" + platform() + "/" + fileName;
    try (InputStream stream = NativeLibrary.class.getClassLoader().getResourceAsStream(resource)) {
      if (stream != null) {
        return stream.readAllBytes();
      }
      tried.add(resource + " in the jar: not there, this build has no natives for " + platform());
    } catch (IOException e) {
      tried.add(resource + " in the jar: " + e.getMessage());
    }
    return null;
  }

  private boolean openCached(byte[] content, FileCache cache) {
    try {
      return open(cache.put(fileName, content));
    } catch (IOException e) {
      tried.add("the cache: " + describe(e));
      return false;
    }
  }

  /** For homes that are read-only or mounted noexec. What is mapped stays when its file goes. */
  private boolean openTemporary(byte[] content) {
    try {
      Path directory = Files.createTempDirectory("sinkstream-");
      Path file = directory.resolve(fileName);
      try {
        return open(Files.write(file, content));
      } finally {
        Files.deleteIfExists(file);
        Files.delete(directory);
      }
    } catch (IOException e) {
      tried.add("a temporary directory: " + describe(e));
      return false;
    }
  }

  private boolean open(Path file) {
    try {
      System.load(file.toString());
      opened = file;
      return true;
    } catch (UnsatisfiedLinkError e) {
      tried.add(file + ": " + linkerMessage(file, e));
      return false;
    }
  }

  /** The JVM puts the path before what dlopen said, and says less where there is no file. */
  private static String linkerMessage(Path file, UnsatisfiedLinkError error) {
    if (!Files.exists(file)) {
      return "no such file";
    }
    String message = String.valueOf(error.getMessage());
    String prefix = file + ": ";
    while (message.startsWith(prefix)) {
      message = message.substring(prefix.length());
    }
    return message;
  }

  /** A file system's own exceptions say which file, and what is wrong only by their names. */
  private static String describe(IOException e) {
    return e instanceof FileSystemException && e.getClass() != FileSystemException.class
        ? e.getMessage() + " (" + e.getClass().getSimpleName() + ")"
        : String.valueOf(e.getMessage());
  }

  private NativeLibraryException failure(String hint) {
    return new NativeLibraryException(
        "cannot load " + fileName + hint + ". Tried:\n  " + String.join("\n  ", tried));
  }

  /** Operating system and architecture, as cmake/Platform.cmake spells them. */
  private static String platform() {
    String system =
        System.getProperty("os.name").toLowerCase(Locale.ROOT).replace(" x", "").replace(" ", "");
    String architecture = System.getProperty("os.arch");
    return system + "-" + (architecture.equals("amd64") ? "x86_64" : architecture);
  }
}
