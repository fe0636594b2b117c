package org.sinkstream.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;

/** Little-endian arrays in files, as the oracles write them. */
public final class BinaryFiles {
  private BinaryFiles() {}

  /** A file of int32. */
  public static int[] ints(Path file) throws IOException {
    ByteBuffer bytes = bytes(file);
    int[] values = new int[bytes.remaining() / Integer.BYTES];
    bytes.asIntBuffer().get(values);
    return values;
  }

  /** A file of float32. */
  public static float[] floats(Path file) throws IOException {
    ByteBuffer bytes = bytes(file);
    float[] values = new float[bytes.remaining() / Float.BYTES];
    bytes.asFloatBuffer().get(values);
    return values;
  }

  private static ByteBuffer bytes(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The folders in a folder, by name. */
  public static List<Path> directories(Path root) throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.filter(Files::isDirectory).sorted().toList();
    }
  }

  /** The files of a folder that match a glob, by name. */
  public static List<Path> matching(Path root, String glob) throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root, glob)) {
      entries.forEach(files::add);
    }
    Collections.sort(files);
    return files;
  }

  /** The norm of the difference over the norm of what is expected; NaN where anything found is. */
  public static double relativeDistance(float[] found, float[] expected) {
    if (found.length != expected.length) {
      throw new AssertionError(found.length + " values; expected " + expected.length);
    }
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) found[i] - expected[i], 2);
      norm += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / norm);
  }
}
