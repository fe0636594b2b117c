package org.sinkstream.testing;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.kernels.Device;

/** A device that fails when it is told to ({@code csrc/tests/failing}). */
public final class FailingDevice {
  private static final Path LIBRARY =
      Path.of("../../build/release/csrc/tests/libsinkstream_failing.so").toAbsolutePath();

  private FailingDevice() {}

  /** Opens one; skips the test where {@code mvn verify} has not built it. */
  public static Device open() {
    assumeTrue(Files.exists(LIBRARY), LIBRARY + " is not built: mvn verify does, from the root");
    return Device.openBackEnd(Optional.of(LIBRARY), 0, 1);
  }

  /** A call of which this operation of the device fails, the first time. */
  public static void assertFails(String operation, ThrowingCallable call) {
    assertFails(operation, 0, call);
  }

  /**
   * A call of which this operation of the device fails.
   *
   * @param after how often it succeeds before
   */
  public static void assertFails(String operation, int after, ThrowingCallable call) {
    arm(operation, after);
    assertThatThrownBy(call)
        .isInstanceOf(DeviceFaultException.class)
        .hasMessageContaining("told to");
  }

  private static void arm(String operation, int after) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment symbol =
          SymbolLookup.libraryLookup(LIBRARY, arena).findOrThrow("sks_failing_arm");
      MethodHandle arm =
          Linker.nativeLinker()
              .downcallHandle(symbol, FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT));
      arm.invokeExact(arena.allocateFrom(operation), after);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
