package org.sinkstream.cli.experiment;

import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The endless record of lines that StreamEval asks about (Xiao et al., section 4.4 and Figure 8): a
 * number in every line, drawn for each line by itself, so that any of them can be told alone.
 *
 * @param seed of the numbers
 */
record RegisterLines(long seed) {
  private static final int MOST = 50_000;
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  /** What stands before the first line. */
  static String opening() {
    return "Below is a record of lines I want you to remember.\n";
  }

  /** A line with its end. */
  String line(long line) {
    return statement(line) + " <" + number(line) + ">\n";
  }

  /** What is to be completed with a line's number. */
  static String query(long line) {
    return "Query: " + statement(line);
  }

  /** The number in a line. */
  int number(long line) {
    return new SplittableRandom(seed ^ line * 0x9E3779B97F4A7C15L).nextInt(1, MOST + 1);
  }

  /** Whether an answer's first number is that of a line. */
  boolean isRight(long line, String answer) {
    Matcher number = NUMBER.matcher(answer);
    return number.find() && number.group().equals(Integer.toString(number(line)));
  }

  private static String statement(long line) {
    return "The REGISTER_CONTENT in line " + line + " is";
  }
}
