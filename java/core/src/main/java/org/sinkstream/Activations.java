package org.sinkstream;

import java.util.Locale;

/** What linear layers may do with their input. */
public enum Activations {
  /** Rounds or quantises it as the type of the weights wants it: faster, the default. */
  AUTO,
  /** Takes it as it is, float32: exact. */
  F32;

  /** As users write it, e.g. {@code auto}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
