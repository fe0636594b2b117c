package org.sinkstream.testing;

import java.lang.reflect.Method;

/** What the Java heap has given out. */
public final class Allocations {
  private Allocations() {}

  /**
   * Bytes this thread has allocated so far, by reflection: the library's module does not read
   * jdk.management.
   */
  public static long bytesOfThisThread() {
    try {
      Object threads =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      Method allocated =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getCurrentThreadAllocatedBytes");
      return (long) allocated.invoke(threads);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
