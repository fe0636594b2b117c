package org.sinkstream.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on stderr when that is a terminal, and nothing otherwise. */
final class Progress implements AutoCloseable {
  private final @Nullable ProgressBar bar;

  /**
   * Starts at 0.
   *
   * @param total tokens at the end
   */
  Progress(String task, long total) {
    bar =
        Terminal.ERR.isTerminal()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setUnit(" tokens", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .showSpeed()
                .build()
            : null;
  }

  /** Goes on. */
  void advance(long tokens) {
    if (bar != null) {
      bar.stepBy(tokens);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
