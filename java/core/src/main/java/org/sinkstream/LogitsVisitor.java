package org.sinkstream;

import java.nio.FloatBuffer;

/** Takes the logits of appended tokens, one token after the other. */
@FunctionalInterface
public interface LogitsVisitor {
  /**
   * Takes one token's logits.
   *
   * @param position the token's position in the stream
   * @param logits one for each token of the vocabulary, of the token after this one; read-only,
   *     valid during the call
   */
  void visit(long position, FloatBuffer logits);
}
