package org.sinkstream.testing;

import java.util.List;
import java.util.stream.Stream;
import org.sinkstream.error.DeviceException;
import org.sinkstream.kernels.Device;

/** The instruction sets this machine can be asked for. */
public final class InstructionSets {
  private InstructionSets() {}

  /** All of them; {@code reference} is always there. */
  public static List<String> available() {
    return Stream.of("reference", "avx2", "avx512").filter(InstructionSets::opens).toList();
  }

  private static boolean opens(String isa) {
    try (Device device = Device.openCpu(1, isa)) {
      return device.isa().startsWith(isa);
    } catch (DeviceException absent) {
      return false;
    }
  }
}
