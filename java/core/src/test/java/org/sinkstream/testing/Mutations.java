package org.sinkstream.testing;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Small damage to files. */
public final class Mutations {
  private Mutations() {}

  /**
   * Cuts a file, flips a bit, or puts in, takes out or replaces a few bytes.
   *
   * @param tokens what is put in besides single bytes
   */
  public static byte[] mutate(byte[] file, Random random, List<byte[]> tokens) {
    int at = random.nextInt(file.length + 1);
    return switch (random.nextInt(5)) {
      case 0 -> Arrays.copyOf(file, at);
      case 1 -> splice(file, at, at, new byte[] {(byte) random.nextInt(256)});
      case 2 -> splice(file, at, Math.min(file.length, at + 1 + random.nextInt(8)), new byte[0]);
      case 3 -> {
        byte[] token = tokens.get(random.nextInt(tokens.size()));
        int replaced = random.nextBoolean() ? token.length : random.nextInt(4);
        yield splice(file, at, Math.min(file.length, at + replaced), token);
      }
      default -> {
        byte[] flipped = file.clone();
        if (file.length > 0) {
          flipped[at % file.length] ^= (byte) (1 << random.nextInt(8));
        }
        yield flipped;
      }
    };
  }

  private static byte[] splice(byte[] file, int begin, int end, byte[] middle) {
    byte[] result = new byte[begin + middle.length + file.length - end];
    System.arraycopy(file, 0, result, 0, begin);
    System.arraycopy(middle, 0, result, begin, middle.length);
    System.arraycopy(file, end, result, begin + middle.length, file.length - end);
    return result;
  }
}
