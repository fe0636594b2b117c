package org.sinkstream;

import org.sinkstream.kernels.TopK;

/**
 * Tokens that could come next, the likeliest first.
 *
 * @param ids token ids
 * @param logits one for each id
 */
@SuppressWarnings("ArrayRecordComponent") // a pair of buffers, never compared
public record Candidates(int[] ids, float[] logits) {
  static Candidates of(TopK top) {
    return new Candidates(top.indices(), top.values());
  }
}
