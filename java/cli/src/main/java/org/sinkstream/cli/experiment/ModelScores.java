package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;

/**
 * What one model did on one text under several policies.
 *
 * @param source the model
 * @param info what it is and where it ran
 * @param textTokens tokens of the text, before it was cut or repeated
 * @param arms one for each policy
 */
record ModelScores(ModelSource source, ModelInfo info, int textTokens, List<ScoredArm> arms) {
  /** Which streams there are, for a model and the tokens of a text. */
  interface Arms {
    /** In the order in which they run. */
    List<Arm> of(Model model, int[] text, long tokens);
  }

  /** Opens a model and scores the streams one after the other, so that memory stays that of one. */
  static ModelScores score(
      ModelSource source, ScoredText text, Arms arms, int chunk, RunDirectory out, Monitor monitor)
      throws IOException, StoppedException {
    try (Model model = source.open()) {
      int[] tokens = text.read(model);
      List<Arm> all = arms.of(model, tokens, text.length(tokens));
      List<ScoredArm> scored = new ArrayList<>();
      for (Arm arm : all) {
        monitor.checkStop();
        String name =
            "%s/%02d-%s"
                .formatted(
                    source.label(),
                    scored.size(),
                    arm.label().replaceAll("[^A-Za-z0-9+_.-]+", "_"));
        String task =
            "%s %s (%d of %d)"
                .formatted(source.label(), arm.label(), scored.size() + 1, all.size());
        ScoredArm result = new ArmScorer(model, arm, chunk, out.part(name)).run(task, monitor);
        monitor.tell(
            "%s: perplexity %s over %d tokens%s"
                .formatted(
                    task,
                    Format.perplexity(result.perplexity()),
                    result.end().tokens(),
                    result.ended().isEmpty() ? "" : "; ended early: " + result.ended()));
        scored.add(result);
      }
      return new ModelScores(source, model.info(), tokens.length, scored);
    }
  }
}
