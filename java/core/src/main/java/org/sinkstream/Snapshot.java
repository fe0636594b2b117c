package org.sinkstream;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.sinkstream.error.SnapshotException;
import org.sinkstream.kernels.KvCache;

/**
 * A session's state as a file: magic, version, what it belongs to (model, policy, cache spec), recent tokens, logits, cache, and at
 * the end the SHA-256 of all that. Numbers are big-endian, logits and cache in the byte order of the machine, which the cache's own
 * header proves.
 */
record Snapshot(
    String model,
    CachePolicy policy,
    KvCache.Spec spec,
    @SuppressWarnings("ArrayRecordComponent") int[] recentTokens,
    MemorySegment logits,
    MemorySegment cacheState) {
  private static final long MAGIC = 0x53494e4b53545245L; // "SINKSTRE"
  private static final int VERSION = 1;
  private static final int COPY_BYTES = 1 << 16;

  void write(Path file) throws IOException {
    Path temporary =
        Files.createTempFile(
            file.toAbsolutePath().getParent(), "." + file.getFileName(), ".part");
    try {
      MessageDigest digest = sha256();
      try (OutputStream raw = new BufferedOutputStream(Files.newOutputStream(temporary))) {
        DataOutputStream out = new DataOutputStream(new DigestOutputStream(raw, digest));
        out.writeLong(MAGIC);
        out.writeInt(VERSION);
        out.writeUTF(model);
        out.writeUTF(policy.toString());
        out.writeUTF(spec.toString());
        out.writeInt(recentTokens.length);
        for (int token : recentTokens) {
          out.writeInt(token);
        }
        write(out, logits);
        write(out, cacheState);
        out.flush();
        raw.write(digest.digest());
      }
      move(temporary, file);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void write(DataOutputStream out, MemorySegment segment) throws IOException {
    out.writeLong(segment.byteSize());
    byte[] copy = new byte[COPY_BYTES];
    for (long at = 0; at < segment.byteSize(); at += copy.length) {
      int length = (int) Math.min(copy.length, segment.byteSize() - at);
      MemorySegment.copy(segment, JAVA_BYTE, at, copy, 0, length);
      out.write(copy, 0, length);
    }
  }

  /**
   * Reads a snapshot that must fit a session.
   *
   * @param arena owns the memory
   * @throws SnapshotException if it is none, is cut short or changed, or belongs to something else
   */
  static Snapshot read(
      Path file, Arena arena, String model, CachePolicy policy, KvCache.Spec spec)
      throws IOException {
    long size = Files.size(file);
    MessageDigest digest = sha256();
    try (DigestInputStream counted =
            new DigestInputStream(
                new java.io.BufferedInputStream(Files.newInputStream(file)), digest);
        DataInputStream in = new DataInputStream(counted)) {
      expect(file, "magic number", Long.toHexString(in.readLong()), Long.toHexString(MAGIC));
      expect(file, "version", in.readInt(), VERSION);
      expect(file, "model", in.readUTF(), model);
      expect(file, "cache policy", in.readUTF(), policy.toString());
      expect(file, "cache", in.readUTF(), spec.toString());
      int count = in.readInt();
      if (count < 0 || count > Sampling.MAX_REPETITION_WINDOW) {
        throw new SnapshotException("%s: %d recent tokens".formatted(file, count));
      }
      int[] recent = new int[count];
      for (int i = 0; i < count; i++) {
        recent[i] = in.readInt();
      }
      MemorySegment logits = segment(file, in, arena, size);
      MemorySegment cacheState = segment(file, in, arena, size);
      counted.on(false);
      byte[] expected = in.readNBytes(digest.getDigestLength());
      if (!MessageDigest.isEqual(digest.digest(), expected)) {
        throw new SnapshotException(
            file
                + ": the checksum at its end, "
                + HexFormat.of().formatHex(expected)
                + ", is not that of its content: the file was changed or cut short");
      }
      expect(file, "bytes after the checksum", in.readNBytes(1).length, 0);
      return new Snapshot(model, policy, spec, recent, logits, cacheState);
    } catch (EOFException e) {
      throw new SnapshotException(file + ": cut short, at " + size + " bytes", e);
    }
  }

  private static MemorySegment segment(Path file, DataInputStream in, Arena arena, long fileSize)
      throws IOException {
    long length = in.readLong();
    if (length < 0 || length > fileSize) {
      throw new SnapshotException(
          "%s: a part of %d bytes in a file of %d".formatted(file, length, fileSize));
    }
    MemorySegment segment = arena.allocate(length, Long.BYTES);
    byte[] copy = new byte[COPY_BYTES];
    for (long at = 0; at < length; at += copy.length) {
      int part = (int) Math.min(copy.length, length - at);
      in.readFully(copy, 0, part);
      MemorySegment.copy(copy, 0, segment, JAVA_BYTE, at, part);
    }
    return segment;
  }

  private static void expect(Path file, String what, Object found, Object expected) {
    if (!found.equals(expected)) {
      throw new SnapshotException(
          "%s: %s is %s; expected %s".formatted(file, what, found, expected));
    }
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
