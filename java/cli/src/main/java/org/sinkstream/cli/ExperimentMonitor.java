package org.sinkstream.cli;

import java.util.Locale;
import org.sinkstream.cli.experiment.Monitor;

/**
 * Shows how far an experiment is: a bar where stderr is a terminal, and now and then a line where
 * it is not. Ctrl-C asks the experiment to stop.
 */
final class ExperimentMonitor implements Monitor {
  private static final long BETWEEN_LINES_NANOS = 30_000_000_000L;

  private final Streams streams;
  private final Interrupt interrupt;

  ExperimentMonitor(Streams streams, Interrupt interrupt) {
    this.streams = streams;
    this.interrupt = interrupt;
  }

  @Override
  public Task start(String name, long total, long done, String unit) {
    return Terminal.ERR.isTerminal()
        ? new Bar(Progress.of(name, total, done, " " + unit))
        : new Lines(name, total, done, unit);
  }

  @Override
  public boolean stopRequested() {
    return interrupt.raised();
  }

  @Override
  public void tell(String line) {
    streams.err().println(line);
  }

  private record Bar(Progress bar) implements Task {
    @Override
    public void advance(long count) {
      bar.advance(count);
    }

    @Override
    public void close() {
      bar.close();
    }
  }

  /** Tells on a line, now and then. */
  private final class Lines implements Task {
    private final String name;
    private final long total;
    private final long before;
    private final String unit;
    private final long begin = System.nanoTime();
    private long told = begin;
    private long done;

    Lines(String name, long total, long before, String unit) {
      this.name = name;
      this.total = total;
      this.before = before;
      this.unit = unit;
      this.done = before;
    }

    @Override
    public void advance(long count) {
      done += count;
      long now = System.nanoTime();
      if (now - told < BETWEEN_LINES_NANOS || done == before) {
        return;
      }
      told = now;
      double rate = (done - before) * 1e9 / (now - begin);
      tell(
          String.format(
              Locale.ROOT,
              "%s: %,d of %,d %s, %.1f %%, %.1f %s/s, about %s left",
              name,
              done,
              total,
              unit,
              100.0 * done / total,
              rate,
              unit,
              duration((total - done) / rate)));
    }

    @Override
    public void close() {}
  }

  /** Seconds as minutes, or as hours and minutes. */
  static String duration(double seconds) {
    long minutes = (long) Math.ceil(seconds / 60);
    return minutes < 60
        ? minutes + " min"
        : String.format(Locale.ROOT, "%d h %02d min", minutes / 60, minutes % 60);
  }
}
