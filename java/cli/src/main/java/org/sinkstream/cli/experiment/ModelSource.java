package org.sinkstream.cli.experiment;

import java.io.IOException;
import org.sinkstream.Model;

/**
 * A model that is opened when its turn comes.
 *
 * @param name as the user named it
 * @param label a short name that no other model of the experiment has, for files and legends
 * @param opener opens it
 */
public record ModelSource(String name, String label, Opener opener) {
  /** Opens a model. */
  public interface Opener {
    /** Opens it; the caller closes it. */
    Model open() throws IOException;
  }

  /** Opens it; the caller closes it. */
  Model open() throws IOException {
    return opener.open();
  }
}
