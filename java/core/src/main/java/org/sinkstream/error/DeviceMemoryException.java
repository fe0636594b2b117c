package org.sinkstream.error;

/**
 * A device has less memory than was asked for. The message says how many bytes that was, where it
 * is known.
 */
public class DeviceMemoryException extends DeviceException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message what the memory was for and how many bytes it takes
   */
  public DeviceMemoryException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a message for the user and what led to it.
   *
   * @param message what the memory was for and how many bytes it takes
   * @param cause what led to it
   */
  public DeviceMemoryException(String message, Throwable cause) {
    super(message, cause);
  }
}
