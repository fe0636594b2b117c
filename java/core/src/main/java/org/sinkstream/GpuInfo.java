package org.sinkstream;

import java.util.Optional;
import org.sinkstream.error.DeviceException;
import org.sinkstream.kernels.Device;

/**
 * The first NVIDIA GPU of this machine, if there is one that can be used.
 *
 * @param name what it calls itself
 * @param kernels its compute capability, and cuBLAS where that was found, e.g. {@code sm_90+cublas}
 * @param memoryBytes of its memory, in all
 * @param availableBytes of it that could be had now
 * @param absence why there is none; the other fields are then empty or 0
 */
public record GpuInfo(
    String name, String kernels, long memoryBytes, long availableBytes, Optional<String> absence) {
  /** Looks for it. */
  public static GpuInfo find() {
    try (Device device = Device.openCuda(0, 1)) {
      Device.Memory memory = device.memory();
      return new GpuInfo(
          device.name(), device.isa(), memory.total(), memory.available(), Optional.empty());
    } catch (DeviceException absent) {
      return new GpuInfo("", "", 0, 0, Optional.of(String.valueOf(absent.getMessage())));
    }
  }

  /** Whether there is one. */
  public boolean isPresent() {
    return absence.isEmpty();
  }
}
