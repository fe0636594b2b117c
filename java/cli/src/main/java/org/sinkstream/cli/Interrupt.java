package org.sinkstream.cli;

import org.jline.utils.Signals;
import org.jspecify.annotations.Nullable;

/**
 * Ctrl-C while it is open: asks what runs to end, instead of ending the process. A second Ctrl-C
 * before that has happened ends the process all the same.
 */
final class Interrupt implements AutoCloseable {
  private static final String SIGNAL = "INT";
  private static final int EXIT_CODE = 130; // 128 + SIGINT, as shells have it

  private final @Nullable Object previous;
  private @Nullable Runnable action;
  private boolean raised;

  private Interrupt() {
    previous = Signals.register(SIGNAL, this::raise);
  }

  /** Takes over Ctrl-C until it is closed. */
  static Interrupt open() {
    return new Interrupt();
  }

  /** Whether Ctrl-C was pressed since it was opened or last reset. */
  synchronized boolean raised() {
    return raised;
  }

  /** Sets what Ctrl-C does from now on; done at once if it was pressed already. */
  synchronized void onRaise(Runnable action) {
    this.action = action;
    if (raised) {
      action.run();
    }
  }

  /** Forgets that Ctrl-C was pressed, and what to do then. */
  synchronized void reset() {
    raised = false;
    action = null;
  }

  /** What Ctrl-C does. */
  synchronized void raise() {
    if (raised) {
      Runtime.getRuntime().halt(EXIT_CODE);
    }
    raised = true;
    if (action != null) {
      action.run();
    }
  }

  @Override
  public void close() {
    Signals.unregister(SIGNAL, previous);
  }
}
