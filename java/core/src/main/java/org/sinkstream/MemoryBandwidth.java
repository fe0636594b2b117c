package org.sinkstream;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.sinkstream.kernels.Device;

/**
 * How fast some threads together, or a GPU, read memory: what a step can be held against, for it
 * cannot be faster than its weights and keys and values are read. Used by one thread at a time.
 */
public final class MemoryBandwidth implements AutoCloseable {
  private static final long PIECE = 1 << 24;

  private final Device device;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment buffer;

  private MemoryBandwidth(Device device, long bytes) {
    this.device = device;
    try {
      this.buffer = device.allocate(arena, bytes);
      fill();
    } catch (RuntimeException | Error failure) {
      close();
      throw failure;
    }
  }

  /** Pages that nobody has written to are all one, which caches hold. */
  private void fill() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment ones = call.allocate(Math.min(PIECE, buffer.byteSize())).fill((byte) 1);
      for (long at = 0; at < buffer.byteSize(); at += ones.byteSize()) {
        long count = Math.min(ones.byteSize(), buffer.byteSize() - at);
        device.upload(ones.asSlice(0, count), buffer.asSlice(at, count));
      }
    }
  }

  /**
   * Allocates a buffer to read.
   *
   * @param deviceName {@code cpu}, {@code cuda} or {@code cuda:N}
   * @param threads threads that read, the caller's among them; 0 for the cores this process may use
   * @param bytes size of the buffer: more than the processor's caches hold, or they are what is
   *     measured
   * @throws IllegalArgumentException for a number out of range
   * @throws org.sinkstream.error.DeviceException if there is no such device, or no memory for it
   */
  public static MemoryBandwidth open(String deviceName, int threads, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes: %d; expected 1 or more".formatted(bytes));
    }
    return new MemoryBandwidth(Device.open(deviceName, threads), bytes);
  }

  /** Reads the buffer, once for the threads to come to their cores, once more; bytes per second. */
  public double measure() {
    device.read(buffer);
    long begin = System.nanoTime();
    device.read(buffer);
    return buffer.byteSize() * 1e9 / (System.nanoTime() - begin);
  }

  /** Frees the buffer and ends the threads. */
  @Override
  public void close() {
    arena.close();
    device.close();
  }
}
