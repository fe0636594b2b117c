package org.sinkstream.error;

/** A file is no snapshot of a session, is damaged, or belongs to another model, policy or type. */
public final class SnapshotException extends SinkstreamException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message the file, what was found in it and what was expected
   */
  public SnapshotException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and its cause.
   *
   * @param message the file, what was found in it and what was expected
   * @param cause what led to it
   */
  public SnapshotException(String message, Throwable cause) {
    super(message, cause);
  }
}
