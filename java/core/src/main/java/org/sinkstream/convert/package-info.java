/**
 * From a checkpoint to a GGUF file: which keys say what its config says, what each tensor becomes,
 * and the way of the weights through memory.
 */
@NullMarked
package org.sinkstream.convert;

import org.jspecify.annotations.NullMarked;
