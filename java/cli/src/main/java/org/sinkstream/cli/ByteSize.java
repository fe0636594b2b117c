package org.sinkstream.cli;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads bytes: a whole number, with a binary unit behind it or none. */
final class ByteSize implements ITypeConverter<Long> {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})(|KiB|MiB|GiB|TiB)");

  @Override
  public Long convert(String text) {
    Matcher matcher = SIZE.matcher(text);
    if (matcher.matches()) {
      long number = Long.parseLong(matcher.group(1));
      int shift =
          switch (matcher.group(2)) {
            case "KiB" -> 10;
            case "MiB" -> 20;
            case "GiB" -> 30;
            case "TiB" -> 40;
            default -> 0;
          };
      if (number <= Long.MAX_VALUE >> shift) {
        return number << shift;
      }
    }
    throw new TypeConversionException(
        "'%s'; expected bytes, a whole number with KiB, MiB, GiB, TiB or nothing behind it"
            .formatted(text));
  }
}
