package org.sinkstream.error;

/**
 * A device cannot do what was asked: an unknown name, an instruction set the machine lacks, memory
 * that is not there.
 */
public class DeviceException extends SinkstreamException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message what was asked for and what there is
   */
  public DeviceException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and its cause.
   *
   * @param message what was asked for and what there is
   * @param cause what led to it
   */
  public DeviceException(String message, Throwable cause) {
    super(message, cause);
  }
}
