package org.sinkstream.error;

import org.jspecify.annotations.Nullable;

/**
 * The root of everything the library throws that is neither misuse of its API nor a fault of its
 * own.
 */
public class SinkstreamException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message what is wrong, with the name, the value and what was expected
   */
  public SinkstreamException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and its cause.
   *
   * @param message what is wrong, with the name, the value and what was expected
   * @param cause what led to it, or null
   */
  public SinkstreamException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
