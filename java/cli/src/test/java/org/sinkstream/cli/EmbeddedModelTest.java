package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sinkstream.files.FileCache;

final class EmbeddedModelTest {
  @Test
  void saysWhyTheCacheCannotHoldIt(@TempDir Path directory) throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    assertThatThrownBy(() -> EmbeddedModel.directory(new FileCache(file.resolve("sinkstream"))))
        .isInstanceOf(IOException.class)
        .hasMessage(
            "the embedded model cannot be unpacked to the cache: %s: not a directory; expected a"
                + " directory to write to, which XDG_CACHE_HOME names, else ~/.cache",
            file);
  }
}
