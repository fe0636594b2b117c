package org.sinkstream.text;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Watches a text that comes in pieces for strings that end it. What is before them passes through;
 * only the end of the text that may still become one of them is held back. The result does not
 * depend on how the text was cut. Memory and the time for a character do not depend on the length
 * of the text. Confined to one thread.
 *
 * <p>The stop string that is complete first wins; of several that end together, the longest.
 */
public final class StopSequences {
  private final List<String> stops;
  private final int[][] borders;

  /** How many characters of each stop string the text ends with: the longest such prefix. */
  private final int[] progress;

  private @Nullable String match;

  /**
   * Starts watching a text.
   *
   * @param stops the strings; none lets everything pass
   * @throws IllegalArgumentException if one of them is empty
   */
  public StopSequences(List<String> stops) {
    if (stops.contains("")) {
      throw new IllegalArgumentException("a stop string is empty");
    }
    this.stops = List.copyOf(stops);
    this.borders = this.stops.stream().map(StopSequences::borders).toArray(int[][]::new);
    this.progress = new int[this.stops.size()];
  }

  /**
   * Takes the next piece.
   *
   * @return the text that is certain to come before any stop string, perhaps empty; nothing once
   *     one has matched
   */
  public String accept(String piece) {
    if (match != null) {
      return "";
    }
    String text = held() + piece;
    int seen = text.length() - piece.length();
    while (seen < text.length() && match == null) {
      advance(text.charAt(seen++));
    }
    int withheld = match == null ? held().length() : match.length();
    return text.substring(0, seen - withheld);
  }

  /** The stop string that the text has come to, if any. */
  public Optional<String> matched() {
    return Optional.ofNullable(match);
  }

  /**
   * Ends the text.
   *
   * @return what was held back and turned out not to be a stop string
   */
  public String flush() {
    String held = match == null ? held() : "";
    Arrays.fill(progress, 0);
    return held;
  }

  /**
   * What is held back needs no buffer: it is the beginning of the stop string that got furthest.
   */
  private String held() {
    String held = "";
    for (int i = 0; i < progress.length; i++) {
      if (progress[i] > held.length()) {
        held = stops.get(i).substring(0, progress[i]);
      }
    }
    return held;
  }

  private void advance(char next) {
    for (int i = 0; i < progress.length; i++) {
      String stop = stops.get(i);
      progress[i] = extend(stop, borders[i], progress[i], next);
      if (progress[i] == stop.length() && (match == null || match.length() < stop.length())) {
        match = stop;
      }
    }
  }

  /**
   * The length of the longest prefix of {@code stop} that ends with {@code next}, after one of
   * {@code length}.
   */
  private static int extend(String stop, int[] borders, int length, char next) {
    while (length > 0 && stop.charAt(length) != next) {
      length = borders[length];
    }
    return stop.charAt(length) == next ? length + 1 : 0;
  }

  /**
   * For each prefix of a string the length of its longest proper prefix that is also its suffix
   * (Knuth, Morris and Pratt, 1977).
   */
  private static int[] borders(String stop) {
    int[] borders = new int[stop.length() + 1];
    for (int i = 1; i < stop.length(); i++) {
      borders[i + 1] = extend(stop, borders, borders[i], stop.charAt(i));
    }
    return borders;
  }
}
