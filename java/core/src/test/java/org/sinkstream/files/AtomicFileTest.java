package org.sinkstream.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFileTest {
  @TempDir Path directory;

  private long files() throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.count();
    }
  }

  @Test
  void isThereOnlyWhenItIsWhole() throws IOException {
    Path target = directory.resolve("target");
    try (AtomicFile file = AtomicFile.create(target)) {
      file.out().write(new byte[100_000]);
      assertThat(target).doesNotExist();
      file.commit();
      assertThat(target).hasSize(100_000);
    }
    assertThat(files()).isEqualTo(1);
    assertThat(Files.getPosixFilePermissions(target))
        .as("an ordinary file's, not a private temporary one's")
        .isEqualTo(Files.getPosixFilePermissions(Files.createFile(directory.resolve("other"))))
        .contains(PosixFilePermission.OWNER_READ);
  }

  @Test
  void whatIsNotCommittedLeavesNothing() throws IOException {
    Path target = Files.writeString(directory.resolve("target"), "old");
    try (AtomicFile file = AtomicFile.create(target)) {
      file.out().write(new byte[100_000]);
    }
    assertThat(target).hasContent("old");
    assertThat(files()).isEqualTo(1);
  }

  @Test
  void aLinkStaysALink() throws IOException {
    Path target = Files.writeString(directory.resolve("target"), "old");
    Path link = Files.createSymbolicLink(directory.resolve("link"), target);
    try (AtomicFile file = AtomicFile.create(link)) {
      file.out().write('n');
      file.commit();
    }
    assertThat(link).isSymbolicLink();
    assertThat(target).hasContent("n");
  }

  @Test
  void aDeviceIsWrittenToAndNotReplaced() throws IOException {
    Path device = Path.of("/dev/null");
    try (AtomicFile file = AtomicFile.create(device)) {
      file.out().write('n');
      file.commit();
    }
    assertThat(Files.isRegularFile(device)).isFalse();
  }

  @Test
  void aFailureSaysWhichFile() {
    Path full = Path.of("/dev/full");
    assumeThat(full).exists();
    assertThatThrownBy(
            () -> {
              try (AtomicFile file = AtomicFile.create(full)) {
                file.out().write(new byte[100_000]);
              }
            })
        .isInstanceOf(FileSystemException.class)
        .hasMessage("/dev/full: No space left on device");
  }

  @Test
  void directoriesAndMissingOnesAreRefused() {
    assertThatThrownBy(() -> AtomicFile.create(directory))
        .isInstanceOf(FileSystemException.class)
        .hasMessageContaining("expected a file");
    assertThatThrownBy(() -> AtomicFile.create(directory.resolve("gone/target")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(directory.resolve("gone").toString());
  }
}
