package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
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

  /** The same models, numbered where labels would be the same. */
  public static List<ModelSource> distinct(List<ModelSource> sources) {
    List<ModelSource> distinct = new ArrayList<>();
    for (ModelSource source : sources) {
      long same = sources.stream().filter(other -> other.label.equals(source.label)).count();
      distinct.add(
          same == 1
              ? source
              : new ModelSource(
                  source.name, source.label + "-" + (distinct.size() + 1), source.opener));
    }
    return distinct;
  }
}
