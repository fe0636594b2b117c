package org.sinkstream.cli.experiment;

import java.util.Locale;

/** How numbers are written in reports. */
final class Format {
  private Format() {}

  /** A perplexity, with what a reader compares. */
  static String perplexity(double value) {
    return Double.isFinite(value) && value >= 1e6
        ? String.format(Locale.ROOT, "%.3e", value)
        : decimals(value, value >= 1000 ? 1 : 4);
  }

  /** A count, in groups of three. */
  static String count(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** Bytes as the largest unit of at least one. */
  static String bytes(long bytes) {
    if (bytes >= 1L << 30) {
      return decimals(bytes / (double) (1L << 30), 2) + " GiB";
    }
    return bytes >= 1 << 20
        ? decimals(bytes / (double) (1 << 20), 2) + " MiB"
        : decimals(bytes / 1024.0, 1) + " KiB";
  }

  /** A share of one, in percent. */
  static String percent(double share) {
    return decimals(100 * share, 2) + " %";
  }

  /** A number with so many decimals. */
  static String decimals(double value, int digits) {
    return String.format(Locale.ROOT, "%." + digits + "f", value);
  }
}
