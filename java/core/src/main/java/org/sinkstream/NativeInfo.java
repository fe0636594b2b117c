package org.sinkstream;

import java.nio.file.Path;
import org.sinkstream.error.NativeLibraryException;
import org.sinkstream.kernels.Device;

/**
 * The native library in use.
 *
 * @param version its version
 * @param file where it was loaded from
 */
public record NativeInfo(String version, Path file) {
  /**
   * The library of this process; loads it if that has not happened yet.
   *
   * @throws NativeLibraryException if it cannot be loaded
   */
  public static NativeInfo loaded() {
    return new NativeInfo(Device.nativeVersion(), Device.nativeLibrary());
  }

  /** Bytes of memory that the library holds at this moment, for all models of this process. */
  public static long allocatedBytes() {
    return Device.allocatedBytes();
  }
}
