/**
 * Text to tokens and back: {@link org.sinkstream.text.Tokenizer} reads a {@code tokenizer.json} or
 * a GGUF file, {@link org.sinkstream.text.Detokenizer} turns an endless stream of tokens into text
 * piece by piece, {@link org.sinkstream.text.StopSequences} finds where a generation must end,
 * {@link org.sinkstream.text.TokenizerMetadata} is what a GGUF file says of a tokenizer.
 */
@NullMarked
package org.sinkstream.text;

import org.jspecify.annotations.NullMarked;
