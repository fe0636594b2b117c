package org.sinkstream;

/** Is told how far the loading of a model is, on the thread that loads it. */
@FunctionalInterface
public interface LoadProgress {
  /** Tells nobody. */
  LoadProgress NONE = (loaded, total) -> {};

  /**
   * Some more weights are on the device.
   *
   * @param loaded bytes of weights until now
   * @param total bytes of weights that the checkpoint holds; some may not be needed, and a matrix
   *     that serves as embedding and as output head may count twice
   */
  void loaded(long loaded, long total);
}
