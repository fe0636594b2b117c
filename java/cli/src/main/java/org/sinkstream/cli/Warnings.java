package org.sinkstream.cli;

import java.io.PrintStream;
import java.util.Locale;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** Shows what the library logs as lines on stderr: {@code warning: ...}. */
final class Warnings extends Handler {
  private final PrintStream err;
  private final SimpleFormatter formatter = new SimpleFormatter();

  private Warnings(PrintStream err) {
    this.err = err;
  }

  /** Replaces the two-line format of java.util.logging, which stands behind System.Logger. */
  static void showOn(PrintStream err) {
    LogManager.getLogManager().reset();
    Handler handler = new Warnings(err);
    handler.setLevel(Level.WARNING);
    Logger.getLogger("").addHandler(handler);
  }

  @Override
  public void publish(LogRecord entry) {
    if (isLoggable(entry)) {
      String level = entry.getLevel().getName().toLowerCase(Locale.ROOT);
      err.println(level + ": " + formatter.formatMessage(entry));
    }
  }

  @Override
  public void flush() {
    err.flush();
  }

  @Override
  public void close() {}
}
