package org.sinkstream.cli.experiment;

/** Reads an endless text, and completes it where it is asked to. */
interface Answerer {
  /** Reads on. */
  void read(String text);

  /** The text that comes next, up to the end of the line; it becomes part of what was read. */
  String complete();

  /** How many tokens have been read or written. */
  long position();
}
