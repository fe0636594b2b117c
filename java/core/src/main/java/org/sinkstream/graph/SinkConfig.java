package org.sinkstream.graph;

import java.util.OptionalInt;
import java.util.Set;
import org.sinkstream.checkpoint.Config;

/**
 * What a config says of sinks, in two fields of ours that every family may have. Both are from Xiao
 * et al., arXiv 2309.17453, section 3.3.
 *
 * @param zeroLogits {@code zero_sink}: whether every head has a sink logit of 0, which adds {@code
 *     exp(0)} to the softmax denominator (softmax-off-by-one)
 * @param token {@code sink_token_id}: the token that stood in front of every sample in training
 */
public record SinkConfig(boolean zeroLogits, OptionalInt token) {
  static SinkConfig read(Config config) {
    int vocabulary = config.positiveInt("vocab_size");
    Set<Integer> tokens = config.tokenIds("sink_token_id");
    if (tokens.size() > 1 || tokens.stream().anyMatch(id -> id >= vocabulary)) {
      throw config.refuse("sink_token_id", "a token id from 0 to " + (vocabulary - 1));
    }
    return new SinkConfig(
        config.bool("zero_sink", false), tokens.stream().mapToInt(Integer::intValue).findFirst());
  }
}
