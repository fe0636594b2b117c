package org.sinkstream;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.OptionalInt;
import org.sinkstream.error.SnapshotException;
import org.sinkstream.files.AtomicFile;
import org.sinkstream.files.Sha256;
import org.sinkstream.kernels.KvCache;

/**
 * A session's state as a file: magic, version, what it belongs to (model, policy, sink token, cache
 * spec), recent tokens, logits, cache, and at the end the SHA-256 of all that. Numbers are
 * big-endian, logits and cache in the byte order of the machine, which the cache's own header
 * proves.
 */
record Snapshot(
    String model,
    CachePolicy policy,
    OptionalInt sinkToken,
    KvCache.Spec spec,
    @SuppressWarnings("ArrayRecordComponent") int[] recentTokens,
    MemorySegment logits,
    MemorySegment state) {
  private static final long MAGIC = 0x53494e4b53545245L; // "SINKSTRE"
  private static final int VERSION = 2;
  private static final int COPY_BYTES = 1 << 16;

  void write(Path file) throws IOException {
    try (AtomicFile whole = AtomicFile.create(file)) {
      MessageDigest digest = Sha256.start();
      OutputStream raw = whole.out();
      DataOutputStream out = new DataOutputStream(new DigestOutputStream(raw, digest));
      out.writeLong(MAGIC);
      out.writeInt(VERSION);
      out.writeUTF(model);
      out.writeUTF(policy.toString());
      out.writeUTF(shown(sinkToken));
      out.writeUTF(shown(spec));
      out.writeInt(recentTokens.length);
      for (int token : recentTokens) {
        out.writeInt(token);
      }
      write(out, logits);
      write(out, state);
      out.flush();
      raw.write(digest.digest());
      whole.commit();
    }
  }

  /** As all files have it, whatever records and types print. */
  private static String shown(KvCache.Spec spec) {
    return "Spec[sinks=%d, window=%d, maxRows=%d, type=%s]"
        .formatted(spec.sinks(), spec.window(), spec.maxRows(), spec.type().name());
  }

  private static String shown(OptionalInt token) {
    return token.isPresent() ? Integer.toString(token.getAsInt()) : "none";
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
      Path file,
      Arena arena,
      String model,
      CachePolicy policy,
      OptionalInt sinkToken,
      KvCache.Spec spec)
      throws IOException {
    long content = verify(file);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      in.skipNBytes(Long.BYTES);
      expect(file, "version", in.readInt(), VERSION);
      expect(file, "model", in.readUTF(), model);
      expect(file, "cache policy", in.readUTF(), policy.toString());
      expect(file, "sink token", in.readUTF(), shown(sinkToken));
      expect(file, "cache", in.readUTF(), shown(spec));
      int[] recent = new int[in.readInt()];
      for (int i = 0; i < recent.length; i++) {
        recent[i] = in.readInt();
      }
      MemorySegment logits = segment(in, arena);
      MemorySegment state = segment(in, arena);
      return new Snapshot(model, policy, sinkToken, spec, recent, logits, state);
    } catch (EOFException | NegativeArraySizeException e) {
      throw new SnapshotException(
          "%s: its %d bytes are no snapshot, though their checksum is right"
              .formatted(file, content),
          e);
    }
  }

  /**
   * Proves the whole file before any of it is believed; returns the bytes in front of the checksum.
   */
  private static long verify(Path file) throws IOException {
    MessageDigest digest = Sha256.start();
    long content = Files.size(file) - digest.getDigestLength();
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      byte[] start = in.readNBytes(Long.BYTES);
      if (start.length == Long.BYTES) {
        expect(
            file,
            "magic number",
            HexFormat.of().formatHex(start),
            HexFormat.of().toHexDigits(MAGIC));
      }
      if (content < Long.BYTES) {
        throw new SnapshotException("%s: cut short, at %d bytes".formatted(file, Files.size(file)));
      }
      digest.update(start);
      byte[] copy = new byte[COPY_BYTES];
      for (long left = content - start.length; left > 0; ) {
        int length = in.readNBytes(copy, 0, (int) Math.min(copy.length, left));
        digest.update(copy, 0, length);
        left = length == 0 ? 0 : left - length;
      }
      if (!MessageDigest.isEqual(digest.digest(), in.readAllBytes())) {
        throw new SnapshotException(
            file + ": its checksum is not that of its content: the file was changed or cut short");
      }
    }
    return content;
  }

  private static MemorySegment segment(DataInputStream in, Arena arena) throws IOException {
    long length = in.readLong();
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
}
