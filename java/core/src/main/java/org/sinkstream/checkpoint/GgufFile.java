package org.sinkstream.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sinkstream.error.CheckpointException;

/**
 * One GGUF file, version 2 or 3, little-endian, memory-mapped: metadata and tensors by their names
 * in the file. Immutable and thread-safe.
 */
public final class GgufFile {
  private static final byte[] MAGIC = {'G', 'G', 'U', 'F'};

  private final GgufMetadata metadata;
  private final Map<String, StoredTensor> tensors;

  private GgufFile(GgufMetadata metadata, Map<String, StoredTensor> tensors) {
    this.metadata = metadata;
    this.tensors = Collections.unmodifiableMap(tensors);
  }

  /** Whether a path is that of a file which is called {@code .gguf} or begins as GGUF does. */
  public static boolean isNamedOrBeginsAsOne(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      return file.toString().endsWith(".gguf") || Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Maps a file.
   *
   * @param arena how long it stays mapped
   * @throws CheckpointException if it cannot be read or is not as the format demands
   */
  public static GgufFile open(Path file, Arena arena) {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(
          file + (Files.exists(file) ? ": not a regular file" : ": no such file"));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
      GgufHeader.Contents contents = GgufHeader.read(file, bytes);
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      for (GgufHeader.Tensor tensor : contents.tensors()) {
        tensors.put(
            tensor.name(),
            new StoredTensor(
                tensor.name(),
                tensor.type().name(),
                tensor.type().elementType(),
                tensor.shape(),
                bytes.asSlice(tensor.begin(), tensor.size())));
      }
      return new GgufFile(contents.metadata(), tensors);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static CheckpointException unreadable(Path file, IOException e) {
    return new CheckpointException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
  }

  /** Its key-value pairs. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** Its tensors by name, in the order of their data. */
  Map<String, StoredTensor> tensors() {
    return tensors;
  }
}
