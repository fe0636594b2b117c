package org.sinkstream.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.NativeLibraryException;

/**
 * The Hugging Face tokenizers library, through DJL's native methods. Thread-safe: encodings run
 * side by side, closing waits for them.
 *
 * <p>It calls the native methods and not DJL's {@code HuggingFaceTokenizer}, because that one asks
 * the network for the cloud machine it might run on, and truncates at 512 tokens unless told not
 * to.
 */
final class NativeTokenizer implements AutoCloseable {
  private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;

  /** Where DJL sees a GPU it would download a build for CUDA. With these it unpacks its own. */
  private static final Map<String, String> FROM_THE_JAR =
      Map.of("ai.djl.offline", "true", "RUST_FLAVOR", "cpu");

  private static boolean loaded;

  private final ReadWriteLock lock = new ReentrantReadWriteLock();
  private long handle;

  /**
   * Makes a tokenizer that neither truncates nor pads, whatever its file says.
   *
   * @param json the content of a tokenizer.json
   * @throws IllegalArgumentException if the library does not accept it
   * @throws NativeLibraryException if the library cannot be loaded
   */
  NativeTokenizer(String json) {
    load();
    try {
      handle = LIBRARY.createTokenizerFromString(json);
    } catch (RuntimeException failure) {
      throw new IllegalArgumentException(failure.getMessage(), failure);
    }
    LIBRARY.disableTruncation(handle);
    LIBRARY.disablePadding(handle);
  }

  int[] encode(String text, boolean addSpecialTokens) {
    lock.readLock().lock();
    try {
      if (handle == 0) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      long encoding = LIBRARY.encode(handle, wellFormed(text), addSpecialTokens);
      try {
        return Arrays.stream(LIBRARY.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
      } finally {
        LIBRARY.deleteEncoding(encoding);
      }
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void close() {
    lock.writeLock().lock();
    try {
      if (handle != 0) {
        LIBRARY.deleteTokenizer(handle);
        handle = 0;
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Unpaired surrogates become U+FFFD: they have no UTF-8. */
  private static String wellFormed(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_16BE), StandardCharsets.UTF_16BE);
  }

  private static synchronized void load() {
    if (loaded) {
      return;
    }
    try {
      withProperties(FROM_THE_JAR, LibUtils::checkStatus);
      loaded = true;
    } catch (RuntimeException | LinkageError failure) {
      throw new NativeLibraryException(
          ("the tokenizers library cannot be loaded: %s (it is unpacked to the folder that"
                  + " ENGINE_CACHE_DIR or DJL_CACHE_DIR names, else to ~/.djl.ai)")
              .formatted(rootCause(failure)),
          failure);
    }
  }

  /** Lends properties of the whole process to an action: an application may use DJL for itself. */
  static void withProperties(Map<String, String> properties, Runnable action) {
    Map<String, @Nullable String> before = new HashMap<>();
    properties.forEach((name, value) -> before.put(name, System.setProperty(name, value)));
    try {
      action.run();
    } finally {
      before.forEach(NativeTokenizer::restore);
    }
  }

  private static void restore(String property, @Nullable String value) {
    if (value == null) {
      System.clearProperty(property);
    } else {
      System.setProperty(property, value);
    }
  }

  private static Throwable rootCause(Throwable failure) {
    Throwable cause = failure.getCause();
    return cause == null ? failure : rootCause(cause);
  }
}
