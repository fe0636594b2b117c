package org.sinkstream;

/**
 * Tokens that could come next, the likeliest first.
 *
 * @param ids token ids
 * @param logits one for each id
 */
@SuppressWarnings("ArrayRecordComponent") // a pair of buffers, never compared
public record Candidates(int[] ids, float[] logits) {}
