package org.sinkstream.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * Operations that are the same from step to step: where the device records, they are recorded once
 * and replayed as one ever after ({@code recording.h}). Used by one thread at a time.
 */
public final class Recording {
  private final Device device;
  private final Arena arena;
  private boolean warm;
  private @Nullable MemorySegment handle;

  /** An empty recording; freed when the arena closes. */
  public Recording(Device device, Arena arena) {
    this.device = device;
    this.arena = arena;
  }

  /**
   * Runs the operations, the same ones each time.
   *
   * @param operations on memory and objects that are there for as long as this is; what changes
   *     from time to time is in device memory
   */
  public void run(Runnable operations) {
    if (handle == null && warm && device.records()) {
      handle = record(operations);
    }
    if (handle == null) {
      operations.run(); // the first time also loads what a recording could not
      warm = true;
    } else {
      NativeCalls.check(Sinkstream.sks_recording_replay(handle));
    }
  }

  private MemorySegment record(Runnable operations) {
    NativeCalls.check(Sinkstream.sks_recording_begin(device.handle()));
    try {
      operations.run();
    } catch (RuntimeException | Error failure) {
      Sinkstream.sks_recording_end(device.handle(), MemorySegment.NULL);
      throw failure;
    }
    return NativeCalls.own(
        arena,
        out -> Sinkstream.sks_recording_end(device.handle(), out),
        Sinkstream::sks_recording_destroy);
  }
}
