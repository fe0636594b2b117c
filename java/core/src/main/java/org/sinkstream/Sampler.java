package org.sinkstream;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.sinkstream.kernels.Choice;
import org.sinkstream.kernels.Tensor;
import org.sinkstream.kernels.TopK;

/** Chooses tokens as a {@link Sampling} says. Holds the state of its random draws. */
final class Sampler {
  private final Sampling sampling;
  private final Set<Integer> banned;
  private final SplittableRandom random;

  /**
   * Makes a sampler at the start of its seed.
   *
   * @param banned tokens that are never chosen
   */
  Sampler(Sampling sampling, Set<Integer> banned) {
    this.sampling = sampling;
    this.banned = banned;
    this.random = new SplittableRandom(sampling.seed());
  }

  /** Whether it takes the likeliest token but for the banned ones, which a device can do alone. */
  boolean takesLikeliest() {
    return sampling.temperature() == 0
        && sampling.repetitionPenalty() == 1
        && banned.size() <= Choice.MOST_BANNED;
  }

  /** Tokens that are never chosen. */
  Set<Integer> banned() {
    return banned;
  }

  /**
   * Chooses one token.
   *
   * @param vocabulary how many tokens there are
   * @param top gives the k tokens of the largest logits, largest first
   * @param logits [1, vocabulary], what {@code top} chooses from
   * @param recent gives the last few tokens, newest last
   */
  int choose(int vocabulary, IntFunction<TopK> top, Tensor logits, IntFunction<int[]> recent) {
    int[] penalised = penalised(recent);
    int wanted = sampling.temperature() == 0 ? 1 : sampling.topK();
    // A penalty or a ban moves only these tokens, so the best of the rest are among this many.
    long spare = (long) wanted + penalised.length + banned.size();
    int count = wanted == 0 ? vocabulary : (int) Math.min(vocabulary, spare);
    List<Candidate> choices = choices(top.apply(count), logits, penalised);
    return sampling.temperature() == 0
        ? choices.getFirst().id
        : draw(wanted == 0 ? choices : choices.subList(0, Math.min(wanted, choices.size())));
  }

  private record Candidate(int id, double logit) {
    private static final Comparator<Candidate> BEST_FIRST =
        Comparator.comparingDouble(Candidate::logit).reversed().thenComparingInt(Candidate::id);
  }

  /** The recent tokens, each once, sorted; none where there is no penalty. */
  private int[] penalised(IntFunction<int[]> recent) {
    return sampling.repetitionPenalty() == 1
        ? new int[0]
        : Arrays.stream(recent.apply(sampling.repetitionWindow())).sorted().distinct().toArray();
  }

  /** The candidates and the penalised tokens, penalty applied, best first; banned ones left out. */
  private List<Candidate> choices(TopK candidates, Tensor logits, int[] penalised) {
    List<Candidate> choices = new ArrayList<>(candidates.indices().length + penalised.length);
    for (int i = 0; i < candidates.indices().length; i++) {
      int id = candidates.indices()[i];
      if (Arrays.binarySearch(penalised, id) < 0 && !banned.contains(id)) {
        choices.add(new Candidate(id, candidates.values()[i]));
      }
    }
    if (penalised.length > 0) { // else they are in order, and all the logits are not needed
      float[] all = logits.toArray(0);
      for (int id : penalised) {
        if (!banned.contains(id)) {
          choices.add(new Candidate(id, penalty(all[id])));
        }
      }
      choices.sort(Candidate.BEST_FIRST);
    }
    return choices;
  }

  private double penalty(double logit) {
    return logit > 0 ? logit / sampling.repetitionPenalty() : logit * sampling.repetitionPenalty();
  }

  /** Draws from softmax(logit / temperature), cut by top-p and min-p. */
  private int draw(List<Candidate> choices) {
    double[] weights = new double[choices.size()];
    double total = 0;
    double largest = choices.getFirst().logit;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = Math.exp((choices.get(i).logit - largest) / sampling.temperature());
      total += weights[i];
    }
    int kept = kept(weights, total);
    double rest = random.nextDouble() * Arrays.stream(weights, 0, kept).sum();
    for (int i = 0; i < kept - 1; i++) {
      rest -= weights[i];
      if (rest < 0) {
        return choices.get(i).id;
      }
    }
    return choices.get(kept - 1).id;
  }

  /** How many of the weights, which fall, top-p and min-p leave: at least one. */
  private int kept(double[] weights, double total) {
    double sum = 0;
    int count = 0;
    while (count < weights.length
        && (count == 0 || (sum < sampling.topP() * total && weights[count] >= sampling.minP()))) {
      sum += weights[count++];
    }
    return count;
  }
}
