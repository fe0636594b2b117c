package org.sinkstream.cli.experiment;

/** StreamEval on one stream: lines, and every so often a query about one that is some way back. */
final class StreamEval {
  private final RegisterLines lines;
  private final int every;
  private final int distance;
  private final Answerer answerer;
  private long next;

  /**
   * One query.
   *
   * @param line the line it asks about
   * @param position of its first token in the stream
   * @param given what the answer was
   * @param right whether it was right
   */
  record Answer(long line, long position, String given, boolean right) {}

  /**
   * Starts or goes on.
   *
   * @param every lines between queries
   * @param distance how many lines back a query asks
   * @param next the next line; 0 at the start of the stream
   */
  StreamEval(RegisterLines lines, int every, int distance, Answerer answerer, long next) {
    this.lines = lines;
    this.every = every;
    this.distance = distance;
    this.answerer = answerer;
    this.next = next;
  }

  /** The next line to be read. */
  long next() {
    return next;
  }

  /** Reads up to the next query, and puts it. */
  Answer step() {
    if (next == 0) {
      answerer.read(RegisterLines.opening());
    }
    StringBuilder text = new StringBuilder();
    long newest;
    do {
      newest = next++;
      text.append(lines.line(newest));
    } while (newest % every != 0 || newest < distance);
    answerer.read(text.toString());
    long line = newest - distance, position = answerer.position();
    answerer.read(RegisterLines.query(line));
    String given = answerer.complete();
    return new Answer(line, position, given, lines.isRight(line, given));
  }
}
