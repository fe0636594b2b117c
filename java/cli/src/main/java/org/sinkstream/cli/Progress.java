package org.sinkstream.cli;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on stderr when that is a terminal, and nothing otherwise. */
final class Progress implements AutoCloseable {
  private final @Nullable ProgressBar bar;

  private Progress(String task, long total, String unit, long unitSize) {
    bar =
        Terminal.ERR.isTerminal()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setUnit(unit, unitSize)
                .setStyle(ProgressBarStyle.ASCII)
                .showSpeed()
                .build()
            : null;
  }

  /** Starts at 0 of {@code total} tokens. */
  static Progress ofTokens(String task, long total) {
    return new Progress(task, total, " tokens", 1);
  }

  /** Starts at 0 of {@code total} bytes. */
  static Progress ofBytes(String task, long total) {
    return new Progress(task, total, " MiB", 1 << 20);
  }

  /** Goes on by as many tokens or bytes. */
  void advance(long count) {
    if (bar != null) {
      bar.stepBy(count);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
