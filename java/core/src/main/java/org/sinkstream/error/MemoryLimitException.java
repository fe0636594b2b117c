package org.sinkstream.error;

/**
 * A session's cache would take more memory than it may. The stream is as it was: it can go on under
 * a policy that takes less, or with fewer tokens.
 */
public final class MemoryLimitException extends DeviceMemoryException {
  private static final long serialVersionUID = 1L;

  private final long requiredBytes;
  private final long limitBytes;
  private final long fittingTokens;

  /**
   * Makes an exception with a message for the user.
   *
   * @param message what the memory is for, how much it takes, how much it may take, and what fits
   * @param requiredBytes what the cache would take; {@link Long#MAX_VALUE} where that overflows
   * @param limitBytes what it may take
   * @param fittingTokens tokens whose keys and values fit
   */
  public MemoryLimitException(
      String message, long requiredBytes, long limitBytes, long fittingTokens) {
    super(message);
    this.requiredBytes = requiredBytes;
    this.limitBytes = limitBytes;
    this.fittingTokens = fittingTokens;
  }

  /** Bytes that the cache would take; {@link Long#MAX_VALUE} where that overflows. */
  public long requiredBytes() {
    return requiredBytes;
  }

  /** Bytes that it may take. */
  public long limitBytes() {
    return limitBytes;
  }

  /** Tokens whose keys and values fit the limit. */
  public long fittingTokens() {
    return fittingTokens;
  }
}
