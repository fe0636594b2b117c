package org.sinkstream.cli;

import org.jspecify.annotations.Nullable;
import org.sinkstream.LoadProgress;

/** A progress bar while a model is loaded. */
final class LoadBar implements LoadProgress, AutoCloseable {
  private @Nullable Progress bar;
  private long shown;

  @Override
  public void loaded(long loaded, long total) {
    if (bar == null) {
      bar = Progress.ofBytes("load", total);
    }
    bar.advance(loaded - shown);
    shown = loaded;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
