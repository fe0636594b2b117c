package org.sinkstream.cli.experiment;

import java.awt.Font;
import java.awt.font.FontRenderContext;

/** Whether words can be drawn: a bare server has no fonts. */
final class Fonts {
  private Fonts() {}

  static boolean areThere() {
    try {
      FontRenderContext plain = new FontRenderContext(null, false, false);
      return new Font(Font.SANS_SERIF, Font.PLAIN, 12).getStringBounds("a", plain).getWidth() > 0;
    } catch (RuntimeException | LinkageError | InternalError none) {
      return false; // the JDK has no exception of its own for that
    }
  }
}
