package org.sinkstream.kernels;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.error.NativeLibraryException;
import org.sinkstream.files.FileCache;

/** Every process of this test has a cache of its own: what is loaded into one stays there. */
final class NativeLibraryTest {
  private static final String FILE = System.mapLibraryName("sinkstream");

  @TempDir Path directory;

  /** Loads the library and prints its version. */
  static final class Load {
    private Load() {}

    public static void main(String[] arguments) {
      System.out.println(Device.nativeVersion());
    }
  }

  @Test
  void anOverrideThatIsNotThereIsNamed() {
    Path missing = directory.resolve("no-such-file.so");
    assertThatThrownBy(() -> NativeLibrary.loadFrom("sinkstream", missing.toString()))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessage(
            "cannot load %s from -Dsinkstream.library.path=%s. Tried:\n  %s: no such file"
                .formatted(FILE, missing, missing));
  }

  @Test
  void anOverrideThatIsADirectoryIsLookedInto() {
    assertThatThrownBy(() -> NativeLibrary.loadFrom("sinkstream", directory.toString()))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageEndingWith(directory.resolve(FILE) + ": no such file");
  }

  @Test
  void anOverrideThatIsNoLibraryIsToldInTheLinkersWords() throws IOException {
    Path text = Files.writeString(directory.resolve(FILE), "x".repeat(1 << 12));
    assertThatThrownBy(() -> NativeLibrary.loadFrom("sinkstream", text.toString()))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageEndingWith(text + ": invalid ELF header");
  }

  @Test
  void aLibraryThatIsNotPackedIsNamed() {
    assertThatThrownBy(() -> NativeLibrary.loadPacked("other", new FileCache(directory)))
        .isInstanceOf(NativeLibraryException.class)
        .hasMessageContaining("/" + System.mapLibraryName("other") + " in the jar: not there");
  }

  @Test
  void anOverrideIsLoadedAndNothingElse() throws Exception {
    assertThat(run(directory.resolve("cache"))).isEqualTo("0\n" + version());
    Path library = cached(directory.resolve("cache"));
    assertThat(run(directory.resolve("other"), "-Dsinkstream.library.path=" + library))
        .isEqualTo("0\n" + version());
    assertThat(directory.resolve("other")).doesNotExist();
  }

  @Test
  void aCacheThatCannotBeWrittenIsGoneRound() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    assertThat(run(file)).isEqualTo("0\n" + version());
  }

  @Test
  void everyPlaceTriedIsToldOf() throws Exception {
    Path file = Files.createFile(directory.resolve("file"));
    String output = run(file, "-Djava.io.tmpdir=" + directory.resolve("gone"));
    assertThat(output)
        .contains("NativeLibraryException: cannot load " + FILE)
        .contains("the cache: " + file)
        .contains("a temporary directory: " + directory.resolve("gone"));
  }

  @Test
  void aDamagedCopyIsReplaced() throws Exception {
    Path cache = directory.resolve("cache");
    run(cache);
    Path library = cached(cache);
    byte[] whole = Files.readAllBytes(library);
    Files.writeString(library, "damaged");
    assertThat(run(cache)).isEqualTo("0\n" + version());
    assertThat(library).hasBinaryContent(whole);
  }

  @Test
  void firstUsesMayCoincide() throws Exception {
    Path cache = directory.resolve("cache");
    List<Process> processes = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      processes.add(start(cache));
    }
    for (Process process : processes) {
      assertThat(finish(process)).isEqualTo("0\n" + version());
    }
    cached(cache);
  }

  private static String version() {
    return Device.nativeVersion() + "\n";
  }

  /** The one library of a cache. */
  private static Path cached(Path cache) throws IOException {
    try (Stream<Path> files = Files.walk(cache).filter(Files::isRegularFile)) {
      List<Path> found = files.toList();
      assertThat(found).hasSize(1);
      return found.getFirst();
    }
  }

  private static String run(Path cacheHome, String... options) throws Exception {
    return finish(start(cacheHome, options));
  }

  private static Process start(Path cacheHome, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of(options));
    command.add("-cp");
    command.add(location(NativeLibrary.class) + File.pathSeparator + location(Load.class));
    command.add(Load.class.getName());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("XDG_CACHE_HOME", cacheHome.toString());
    return builder.start();
  }

  private static String finish(Process process) throws Exception {
    String output = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return process.exitValue() + "\n" + output;
  }

  private static Path location(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }
}
