package org.sinkstream.cli.experiment;

import java.nio.ByteBuffer;
import java.util.List;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.files.Sha256;

/**
 * One stream of an experiment that compares several: a text under a policy.
 *
 * @param label what tells it from the others, in tables and legends
 * @param policy what its cache keeps
 * @param text the tokens; they start again where they end
 * @param tokens how many there are in all
 */
@SuppressWarnings("ArrayRecordComponent") // a long text on its way to a model, never compared
record Arm(String label, CachePolicy policy, int[] text, long tokens) {
  /** The same text under each of some policies, which label their arms. */
  static List<Arm> of(List<CachePolicy> policies, int[] text, long tokens) {
    return policies.stream()
        .map(policy -> new Arm(policy.toString(), policy, text, tokens))
        .toList();
  }

  /** Tells this stream through this model from all others. */
  String identity(Model model) {
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(text.length, Integer.BYTES));
    bytes.asIntBuffer().put(text);
    return "model %s%ntext %s%npolicy %s%ntokens %d%n"
        .formatted(model.fingerprint(), Sha256.hex(bytes.array()), policy, tokens);
  }
}
