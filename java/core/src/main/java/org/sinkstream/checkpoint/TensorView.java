package org.sinkstream.checkpoint;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.sinkstream.kernels.ElementType;

/**
 * A weight where its file is mapped. Immutable and thread-safe; usable until the arena of its
 * checkpoint closes.
 *
 * @param name its name in the checkpoint
 * @param type type of its elements
 * @param shape its dimensions, outermost first
 * @param data its elements, row-major, little-endian, read-only, at any alignment
 */
public record TensorView(String name, ElementType type, List<Long> shape, MemorySegment data) {}
