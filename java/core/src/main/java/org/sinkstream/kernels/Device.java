package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.DeviceException;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Where operations run: a pool of threads over the kernels of one instruction set ({@code
 * device.h}). Thread-safe. Close it after everything that was made on it.
 */
public final class Device implements AutoCloseable {
  private final Arena arena = Arena.ofShared();
  private final MemorySegment handle;

  private Device(int threads, @Nullable String isa) {
    NativeLibrary.load(); // everything else native is made on a device
    try (Arena call = Arena.ofConfined()) {
      MemorySegment name = isa == null ? MemorySegment.NULL : call.allocateFrom(isa);
      this.handle =
          NativeCalls.own(
              arena,
              out -> Sinkstream.sks_device_open_cpu(threads, name, out),
              Sinkstream::sks_device_close);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  /**
   * Opens the CPU with the best kernels of this machine, or those the environment's {@code
   * SINKSTREAM_ISA} names.
   *
   * @param threads threads an operation uses, the caller's among them; 0 for the cores this process
   *     may use
   * @throws org.sinkstream.error.NativeLibraryException if the native library cannot be loaded
   * @throws DeviceException if the named instruction set is unknown or not there
   */
  public static Device openCpu(int threads) {
    return new Device(threads, null);
  }

  /**
   * Opens the CPU with the kernels of one instruction set.
   *
   * @param threads threads an operation uses, the caller's among them; 0 for the cores this process
   *     may use
   * @param isa {@code reference}, {@code avx2} or {@code avx512}
   * @throws DeviceException if the machine lacks it
   */
  public static Device openCpu(int threads, String isa) {
    return new Device(threads, isa);
  }

  /** Threads that an operation uses, the caller's among them. */
  public int threads() {
    return Sinkstream.sks_device_threads(handle);
  }

  /** What the kernels in use need of the processor, e.g. {@code avx512+bf16}. */
  public String isa() {
    return NativeCalls.text(Sinkstream.sks_device_isa(handle));
  }

  /** Zeroed device memory, aligned to 64 bytes and freed when the arena closes. */
  public MemorySegment allocate(Arena arena, long bytes) {
    return NativeCalls.own(
            arena,
            out -> Sinkstream.sks_buffer_allocate(handle, bytes, out),
            buffer -> Sinkstream.sks_buffer_free(handle, buffer))
        .reinterpret(bytes, arena, null);
  }

  /** Reads memory once, with all threads, and does nothing else with it; the sum of its words. */
  public long read(MemorySegment memory) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment sum = call.allocate(JAVA_LONG);
      NativeCalls.check(Sinkstream.sks_buffer_read(handle, memory, memory.byteSize(), sum));
      return sum.get(JAVA_LONG, 0);
    }
  }

  /** Bytes that the native library holds at this moment, over all devices. */
  public static long allocatedBytes() {
    NativeLibrary.load();
    return Sinkstream.sks_allocated_bytes();
  }

  /** The version of the native library. */
  public static String nativeVersion() {
    NativeLibrary.load();
    return NativeCalls.text(Sinkstream.sks_version());
  }

  /** The file that the native library was loaded from. */
  public static Path nativeLibrary() {
    return NativeLibrary.load();
  }

  MemorySegment handle() {
    return handle;
  }

  @Override
  public void close() {
    arena.close();
  }
}
