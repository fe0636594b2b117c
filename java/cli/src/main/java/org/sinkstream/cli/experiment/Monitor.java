package org.sinkstream.cli.experiment;

/** Who watches an experiment: is told how far it is, and may stop it. */
public interface Monitor {
  /**
   * Starts a task.
   *
   * @param name what is done
   * @param total how many units it has
   * @param done how many of them an earlier run has done
   * @param unit what is counted, e.g. {@code tokens}
   */
  Task start(String name, long total, long done, String unit);

  /** Whether the experiment is to stop where it can go on later. */
  boolean stopRequested();

  /** Says that something is known, in a line. */
  void tell(String line);

  /** Stops if that was asked for. */
  default void checkStop() throws StoppedException {
    if (stopRequested()) {
      throw new StoppedException();
    }
  }

  /** A task that is going on. */
  interface Task extends AutoCloseable {
    /** So many more units are done. */
    void advance(long count);

    @Override
    void close();
  }
}
