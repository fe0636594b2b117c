package org.sinkstream;

/** The thread that something belongs to: the one that made it. */
final class Owner {
  private final String thing;
  private final Thread thread = Thread.currentThread();

  /** Of a thing of this name, for messages. */
  Owner(String thing) {
    this.thing = thing;
  }

  /** Refuses any other thread. */
  void check() {
    if (Thread.currentThread() != thread) {
      throw new WrongThreadException(
          "a %s belongs to the thread that started it, %s; called from %s"
              .formatted(thing, thread, Thread.currentThread()));
    }
  }
}
