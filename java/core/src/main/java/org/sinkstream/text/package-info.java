/**
 * Text to tokens and back: {@link org.sinkstream.text.Tokenizer} reads a {@code tokenizer.json},
 * {@link org.sinkstream.text.Detokenizer} turns an endless stream of tokens into text piece by
 * piece, {@link org.sinkstream.text.StopSequences} finds where a generation must end.
 */
@NullMarked
package org.sinkstream.text;

import org.jspecify.annotations.NullMarked;
