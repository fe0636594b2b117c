package org.sinkstream.error;

/**
 * A native library is missing, cannot be loaded, or does not fit this build. The message lists what
 * was tried.
 */
public final class NativeLibraryException extends SinkstreamException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message the library, the places tried and what the loader said of each
   */
  public NativeLibraryException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and its cause.
   *
   * @param message the library, the places tried and what the loader said of each
   * @param cause what led to it
   */
  public NativeLibraryException(String message, Throwable cause) {
    super(message, cause);
  }
}
