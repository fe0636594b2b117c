/**
 * Hugging Face model directories ({@code config.json} and safetensors) and GGUF files, read
 * strictly. Whatever is damaged, contradictory or unknown is refused with a {@link
 * org.sinkstream.error.CheckpointException} that names it.
 */
@NullMarked
package org.sinkstream.checkpoint;

import org.jspecify.annotations.NullMarked;
