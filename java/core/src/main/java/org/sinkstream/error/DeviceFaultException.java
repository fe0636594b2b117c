package org.sinkstream.error;

/**
 * A device or its driver failed at work: what was computed there is lost, and the device may be of
 * no more use to the process. Not a matter of input.
 */
public class DeviceFaultException extends DeviceException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message which device, what it was at, and what the driver says
   */
  public DeviceFaultException(String message) {
    super(message);
  }
}
