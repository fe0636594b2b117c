package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.DoubleConsumer;

/**
 * The negative log-likelihoods of a stream's tokens in a file that grows, in nats: float64,
 * little-endian, so that a sum over them is the one that was computed when they were new.
 */
final class Losses implements AutoCloseable {
  private static final int BUFFER = 1 << 16;

  private final FileChannel channel;

  Losses(Path file) throws IOException {
    channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  /** How many there are. */
  long count() throws IOException {
    return channel.size() / Double.BYTES;
  }

  /** Keeps only the first ones; there must be as many. */
  void keep(long count) throws IOException {
    if (count() < count) {
      throw new IOException("%d losses are kept; expected at least %d".formatted(count(), count));
    }
    channel.truncate(count * Double.BYTES);
  }

  /** Adds some. */
  void append(double... losses) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(losses.length * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asDoubleBuffer().put(losses);
    long at = channel.size();
    while (bytes.hasRemaining()) {
      at += channel.write(bytes, at);
    }
  }

  /** Hands over all of [from, to), in order. */
  void forEach(long from, long to, DoubleConsumer consumer) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
    long at = from * Double.BYTES, end = to * Double.BYTES;
    while (at < end) {
      bytes.clear().limit((int) Math.min(BUFFER, end - at));
      int read = channel.read(bytes, at);
      if (read < 0) {
        throw new IOException("%d losses are kept; expected %d".formatted(count(), to));
      }
      at += read - read % Double.BYTES;
      bytes.flip();
      while (bytes.remaining() >= Double.BYTES) {
        consumer.accept(bytes.getDouble());
      }
    }
  }

  /** The sum of [from, to), added up in order. */
  double sum(long from, long to) throws IOException {
    double[] sum = {0};
    forEach(from, to, loss -> sum[0] += loss);
    return sum[0];
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
