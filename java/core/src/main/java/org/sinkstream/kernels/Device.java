package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.sinkstream.error.DeviceException;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Where operations run ({@code device.h}): the CPU, as a pool of threads over the kernels of one
 * instruction set, or an NVIDIA GPU. Thread-safe. Close it after everything that was made on it.
 */
public final class Device implements AutoCloseable {
  /** Most threads of a CPU that an operation uses. */
  public static final int MAX_THREADS = Sinkstream.SKS_MAX_THREADS();

  private static final Pattern CUDA = Pattern.compile("cuda(?::(\\d{1,9}))?");

  private final Arena arena = Arena.ofShared();
  private final MemorySegment handle;
  private final @Nullable Device host;

  /**
   * Opens a device.
   *
   * @param host a CPU for what is done between host memory, closed with this; null where the device
   *     is one itself
   */
  private Device(ToIntFunction<MemorySegment> open, @Nullable Device host) {
    this.host = host;
    try {
      this.handle = NativeCalls.own(arena, open, Sinkstream::sks_device_close);
    } catch (RuntimeException | Error failure) {
      arena.close();
      throw failure;
    }
  }

  /**
   * Opens the device of a name.
   *
   * @param name {@code cpu}, {@code cuda} or {@code cuda:N}
   * @param threads threads of the CPU that an operation uses, the caller's among them; 0 for the
   *     cores this process may use
   * @throws org.sinkstream.error.NativeLibraryException if the native library cannot be loaded
   * @throws DeviceException if there is no such device; the message says why
   */
  public static Device open(String name, int threads) {
    if (name.equals("cpu")) {
      return openCpu(threads);
    }
    Matcher cuda = CUDA.matcher(name);
    if (!cuda.matches()) {
      throw new DeviceException(
          "device '%s'; expected cpu, cuda, or cuda:N for one of several GPUs".formatted(name));
    }
    return openCuda(cuda.group(1) == null ? 0 : Integer.parseInt(cuda.group(1)), threads);
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
    NativeLibrary.load(); // everything else native is made on a device
    return new Device(
        out -> Sinkstream.sks_device_open_cpu(threads, MemorySegment.NULL, out), null);
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
    NativeLibrary.load();
    try (Arena call = Arena.ofConfined()) {
      MemorySegment name = call.allocateFrom(isa);
      return new Device(out -> Sinkstream.sks_device_open_cpu(threads, name, out), null);
    }
  }

  /**
   * Opens an NVIDIA GPU.
   *
   * @param index which one, as the driver counts them
   * @param threads of the CPU, for what is done between host memory
   * @throws DeviceException if there is no such GPU, no driver, or no CUDA library of this build
   */
  public static Device openCuda(int index, int threads) {
    return openBackEnd(NativeLibrary.packedCuda(), index, threads);
  }

  /**
   * Opens a device of a back end in a library of its own ({@code csrc/core/backend.h}).
   *
   * @param library where it is; empty for where {@code device.h} looks for that for NVIDIA GPUs
   * @param index which device
   * @param threads of the CPU, for what is done between host memory
   * @throws DeviceException if there is no such library or device
   */
  public static Device openBackEnd(Optional<Path> library, int index, int threads) {
    Device host = openCpu(threads);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment name =
          library.map(path -> call.allocateFrom(path.toString())).orElse(MemorySegment.NULL);
      return new Device(out -> Sinkstream.sks_device_open_cuda(index, name, out), host);
    } catch (RuntimeException | Error failure) {
      host.close();
      throw failure;
    }
  }

  /** Threads of the CPU that an operation uses, the caller's among them. */
  public int threads() {
    return Sinkstream.sks_device_threads(host().handle);
  }

  /** What it calls itself, e.g. {@code NVIDIA H200}. */
  public String name() {
    return NativeCalls.text(Sinkstream.sks_device_name(handle));
  }

  /**
   * What the kernels in use need of the processor, e.g. {@code avx512+vnni+bf16} or {@code
   * sm_90+cublas}.
   */
  public String isa() {
    return NativeCalls.text(Sinkstream.sks_device_isa(handle));
  }

  /**
   * A device's memory in bytes.
   *
   * @param total all of it
   * @param available what could be had now, the system's cache of files among it
   */
  public record Memory(long total, long available) {}

  /** Its memory, at this moment. */
  public Memory memory() {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment both = call.allocate(JAVA_LONG, 2);
      NativeCalls.check(
          Sinkstream.sks_device_memory(handle, both, both.asSlice(Long.BYTES, Long.BYTES)));
      return new Memory(both.getAtIndex(JAVA_LONG, 0), both.getAtIndex(JAVA_LONG, 1));
    }
  }

  /** Whether its memory is the host's, so that weights stay where their file is mapped. */
  public boolean sharesHostMemory() {
    return host == null;
  }

  /** The CPU that works on host memory for this device; itself where it is one. */
  public Device host() {
    return host == null ? this : host;
  }

  /** Whether operations can be recorded and replayed as one. */
  public boolean records() {
    return Sinkstream.sks_device_records(handle) != 0;
  }

  /**
   * Zeroed device memory, aligned to 64 bytes and freed when the arena closes. Where the device
   * does not share the host's memory it is an address that only the device may follow.
   */
  public MemorySegment allocate(Arena arena, long bytes) {
    return NativeCalls.own(
            arena,
            out -> Sinkstream.sks_buffer_allocate(handle, bytes, out),
            buffer -> Sinkstream.sks_buffer_free(handle, buffer))
        .reinterpret(bytes, arena, null);
  }

  /** Copies all of {@code from}, host memory, to device memory. */
  public void upload(MemorySegment from, MemorySegment to) {
    requireRoom(from, to);
    NativeCalls.check(Sinkstream.sks_buffer_upload(handle, to, from, from.byteSize()));
  }

  /** Copies all of {@code from}, device memory, to host memory. */
  public void download(MemorySegment from, MemorySegment to) {
    requireRoom(from, to);
    NativeCalls.check(Sinkstream.sks_buffer_download(handle, to, from, from.byteSize()));
  }

  /** Copies all of {@code from} to {@code to}, both of them device memory. */
  public void copy(MemorySegment from, MemorySegment to) {
    requireRoom(from, to);
    NativeCalls.check(Sinkstream.sks_buffer_copy(handle, to, from, from.byteSize()));
  }

  private static void requireRoom(MemorySegment from, MemorySegment to) {
    if (to.byteSize() < from.byteSize()) {
      throw new IllegalArgumentException(
          "%d bytes to copy, room for %d".formatted(from.byteSize(), to.byteSize()));
    }
  }

  /**
   * Reads device memory once, with all threads, and does nothing else with it; the sum of its
   * words.
   */
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
    Optional.ofNullable(host).ifPresent(Device::close);
  }
}
