package org.sinkstream.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.HexFormat;
import org.sinkstream.files.Sha256;

/**
 * A SHA-256 that tells models apart, also two trainings of one architecture: of the config, and of
 * each tensor's name, type, shape and a few samples of its data. Reading all of a large model would
 * take longer than opening it.
 */
final class Fingerprint {
  private static final int SAMPLES = 3;
  private static final int SAMPLE_BYTES = 256;

  private Fingerprint() {}

  static String of(Config config, Collection<StoredTensor> tensors) {
    MessageDigest digest = Sha256.start();
    update(digest, config.json());
    for (StoredTensor tensor : tensors) {
      update(digest, tensor.name() + tensor.typeName() + tensor.shape());
      long spare = Math.max(0, tensor.data().byteSize() - SAMPLE_BYTES);
      for (int i = 0; i < SAMPLES; i++) {
        MemorySegment rest = tensor.data().asSlice(spare / (SAMPLES - 1) * i);
        digest.update(rest.asSlice(0, Math.min(SAMPLE_BYTES, rest.byteSize())).asByteBuffer());
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void update(MessageDigest digest, String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }
}
