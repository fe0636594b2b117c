package org.sinkstream.error;

/** A model directory or one of its files is missing, damaged, or asks for what is not supported. */
public final class CheckpointException extends SinkstreamException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message the file, what was found in it and what was expected
   */
  public CheckpointException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and its cause.
   *
   * @param message the file, what was found in it and what was expected
   * @param cause what led to it
   */
  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
