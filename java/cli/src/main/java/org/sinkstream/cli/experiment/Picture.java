package org.sinkstream.cli.experiment;

import java.io.IOException;

/** What can be drawn. */
interface Picture {
  /** The drawing, a PNG. */
  byte[] png() throws IOException;
}
