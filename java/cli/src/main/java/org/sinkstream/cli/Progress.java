package org.sinkstream.cli;

import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** A progress bar on stderr when that is a terminal, and nothing otherwise. */
final class Progress implements AutoCloseable {
  private final @Nullable ProgressBar bar;

  private Progress(String task, long total, long done, String unit, long unitSize) {
    bar =
        Terminal.ERR.isTerminal()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(total)
                .setUnit(unit, unitSize)
                .setStyle(ProgressBarStyle.ASCII)
                .startsFrom(done, Duration.ZERO)
                .showSpeed()
                .build()
            : null;
  }

  /** Starts at {@code done} of {@code total} units. */
  static Progress of(String task, long total, long done, String unit) {
    return new Progress(task, total, done, unit, 1);
  }

  /** Starts at 0 of {@code total} tokens. */
  static Progress ofTokens(String task, long total) {
    return of(task, total, 0, " tokens");
  }

  /** Starts at 0 of {@code total} bytes. */
  static Progress ofBytes(String task, long total) {
    return new Progress(task, total, 0, " MiB", 1 << 20);
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
