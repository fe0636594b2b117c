package org.sinkstream.cli;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * Which of the process's streams are a terminal; {@code System.console()} only knows all or none.
 */
enum Terminal {
  /** Standard input. */
  IN(0),
  /** Standard error. */
  ERR(2);

  private final int descriptor;

  Terminal(int descriptor) {
    this.descriptor = descriptor;
  }

  /** What isatty(3) says. */
  boolean isTerminal() {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> isatty = linker.defaultLookup().find("isatty");
    if (isatty.isEmpty()) {
      return false;
    }
    try {
      return 1
          == (int)
              linker
                  .downcallHandle(isatty.get(), FunctionDescriptor.of(JAVA_INT, JAVA_INT))
                  .invokeExact(descriptor);
    } catch (Throwable impossible) {
      throw new AssertionError("isatty throws nothing", impossible);
    }
  }
}
