package org.sinkstream.kernels;

/**
 * The largest of a row of numbers, largest first.
 *
 * @param indices where they stand in the row
 * @param values one for each index
 */
@SuppressWarnings("ArrayRecordComponent") // a pair of buffers, never compared
public record TopK(int[] indices, float[] values) {}
