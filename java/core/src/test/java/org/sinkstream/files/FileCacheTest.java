package org.sinkstream.files;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileCacheTest {
  private static final byte[] CONTENT = "what a jar holds".getBytes(UTF_8);
  private static final String SHA_256 =
      "492432591c1b1765c033774968f1a8fbaeaf5434bdbf8b332d0896f912fede94";

  @TempDir Path directory;
  private Path root;
  private FileCache cache;

  @BeforeEach
  void open() {
    root = directory.resolve("made/when/needed");
    cache = new FileCache(root);
  }

  @Test
  void putsAFileWhereOnlyItsOwnerMayReadIt() throws IOException {
    Path file = cache.put("name.so", CONTENT);
    assertThat(file).isEqualTo(root.resolve(SHA_256).resolve("name.so")).hasBinaryContent(CONTENT);
    assertThat(permissions(root)).isEqualTo("rwx------");
    assertThat(permissions(file.getParent())).isEqualTo("rwx------");
  }

  @Test
  void putsFilesThatBelongTogetherInOneDirectory() throws IOException {
    Map<String, byte[]> files = Map.of("a", CONTENT, "b", new byte[] {1});
    Path together = cache.put(files);
    assertThat(together.getParent()).isEqualTo(root);
    assertThat(together.resolve("a")).hasBinaryContent(CONTENT);
    assertThat(together.resolve("b")).hasBinaryContent(new byte[] {1});
    assertThat(cache.put(files)).isEqualTo(together);
    Files.delete(together.resolve("b"));
    assertThat(cache.put(files).resolve("b")).hasBinaryContent(new byte[] {1});
    assertThat(cache.put(Map.of("a", CONTENT, "c", new byte[] {1}))).isNotEqualTo(together);
    assertThat(cache.put(Map.of("a", CONTENT, "b", new byte[] {2}))).isNotEqualTo(together);
  }

  @Test
  void keepsAFileThatIsThere() throws IOException {
    Object before = fileKey(cache.put("name.so", CONTENT));
    assertThat(fileKey(cache.put("name.so", CONTENT))).isEqualTo(before);
    assertThat(fileKey(new FileCache(root).put("name.so", CONTENT))).isEqualTo(before);
  }

  @Test
  void replacesAFileThatWasChanged() throws IOException {
    Path file = cache.put("name.so", CONTENT);
    for (String changed : List.of("", "what a jar hold", "what a jar held", "what a jar holds.")) {
      Files.writeString(file, changed);
      assertThat(cache.put("name.so", CONTENT)).isEqualTo(file).hasBinaryContent(CONTENT);
    }
  }

  @Test
  void replacesALink() throws IOException {
    Path elsewhere = Files.write(directory.resolve("elsewhere"), CONTENT);
    Path file = cache.put("name.so", CONTENT);
    Files.delete(file);
    Files.createSymbolicLink(file, elsewhere);
    assertThat(cache.put("name.so", CONTENT)).isEqualTo(file);
    assertThat(file).isRegularFile().hasBinaryContent(CONTENT);
    assertThat(Files.isSymbolicLink(file)).isFalse();
  }

  @Test
  void shutsADirectoryThatOthersMayEnter() throws IOException {
    Files.createDirectories(root);
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxrwxrwx"));
    cache.put("name.so", CONTENT);
    assertThat(permissions(root)).isEqualTo("rwx------");
  }

  @Test
  void refusesARootThatIsNoDirectory() throws IOException {
    Files.createDirectories(root.getParent());
    Files.createFile(root);
    assertThatThrownBy(() -> cache.put("name.so", CONTENT))
        .isInstanceOf(IOException.class)
        .hasMessage(root + " is not a directory");
  }

  @Test
  void refusesAFileInThePlaceOfAParent() throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    assertThatThrownBy(() -> new FileCache(file.resolve("sinkstream")).put("name.so", CONTENT))
        .isInstanceOf(NotDirectoryException.class)
        .hasMessage(file.toString());
  }

  @Test
  void refusesALinkToADirectory() throws IOException {
    Files.createDirectories(root.getParent());
    Files.createSymbolicLink(root, directory);
    assertThatThrownBy(() -> cache.put("name.so", CONTENT))
        .isInstanceOf(IOException.class)
        .hasMessage(root + " is not a directory");
  }

  @Test
  void refusesARelativeRoot() {
    assertThatThrownBy(() -> new FileCache(Path.of("?/.cache")).put("name.so", CONTENT))
        .isInstanceOf(IOException.class)
        .hasMessage("?/.cache is not an absolute path");
  }

  @Test
  void leavesNothingElseBehind() throws IOException {
    Path file = cache.put("name.so", CONTENT);
    Files.writeString(file, "changed");
    cache.put("name.so", CONTENT);
    try (Stream<Path> files = Files.walk(root).filter(Files::isRegularFile)) {
      assertThat(files).containsExactly(file);
    }
  }

  @Test
  void isSharedByThreads() throws Exception {
    int threads = 8;
    byte[] large = new byte[1 << 20];
    large[large.length - 1] = 1;
    CyclicBarrier start = new CyclicBarrier(threads);
    Set<Path> files = new HashSet<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(threads)) {
      List<Future<Path>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        results.add(
            pool.submit(() -> {
              start.await();
              Path file = new FileCache(root).put("large", large);
              assertThat(file).hasBinaryContent(large);
              return file;
            }));
      }
      for (Future<Path> result : results) {
        files.add(result.get());
      }
    }
    assertThat(files).hasSize(1);
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  private static Object fileKey(Path path) throws IOException {
    return Files.getAttribute(path, "unix:ino");
  }
}
