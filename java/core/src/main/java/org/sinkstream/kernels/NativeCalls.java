package org.sinkstream.kernels;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.sinkstream.error.DeviceException;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.error.DeviceMemoryException;
import org.sinkstream.kernels.ffi.Sinkstream;

/** What every native call shares: status codes become exceptions, handles get an owner. */
final class NativeCalls {
  private NativeCalls() {}

  /** Throws what a status other than {@code SKS_OK} stands for, with the library's own text. */
  static void check(int status) {
    if (status != Sinkstream.SKS_OK()) {
      throw failure(status, text(Sinkstream.sks_last_error()));
    }
  }

  private static RuntimeException failure(int status, String text) {
    if (status == Sinkstream.SKS_INVALID_ARGUMENT()) {
      return new IllegalArgumentException(text);
    }
    if (status == Sinkstream.SKS_OUT_OF_MEMORY()) {
      return new DeviceMemoryException(text);
    }
    if (status == Sinkstream.SKS_IMPOSSIBLE()) {
      return new IllegalStateException(text);
    }
    return status == Sinkstream.SKS_FAULT()
        ? new DeviceFaultException(text)
        : new DeviceException(text);
  }

  /**
   * Calls a native constructor with an out-parameter and ties what it made to {@code arena}.
   *
   * @param constructor takes the address of the out-parameter, returns a status
   * @param destructor called once, when the arena closes
   */
  static MemorySegment own(
      Arena arena, ToIntFunction<MemorySegment> constructor, Consumer<MemorySegment> destructor) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment out = call.allocate(ADDRESS);
      check(constructor.applyAsInt(out));
      MemorySegment made = out.get(ADDRESS, 0);
      try {
        return made.reinterpret(arena, destructor);
      } catch (RuntimeException closed) {
        destructor.accept(made);
        throw closed;
      }
    }
  }

  /** A NUL-terminated UTF-8 string of the library. */
  static String text(MemorySegment address) {
    return address.reinterpret(Long.MAX_VALUE).getString(0);
  }
}
