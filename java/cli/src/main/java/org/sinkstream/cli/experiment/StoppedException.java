package org.sinkstream.cli.experiment;

/** An experiment was asked to stop, and has kept what it had done. */
public final class StoppedException extends Exception {
  private static final long serialVersionUID = 1;

  /** Without a message: whoever asked knows. */
  public StoppedException() {}
}
