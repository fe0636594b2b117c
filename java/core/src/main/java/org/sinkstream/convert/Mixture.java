package org.sinkstream.convert;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.kernels.ElementType;

/**
 * Which type each tensor of a file wants.
 *
 * @param type of the whole file
 * @param layers of the model
 * @param tied whether the embedding is the output head as well
 */
record Mixture(WeightType type, int layers, boolean tied) {
  private static final Pattern SENSITIVE =
      Pattern.compile("blk\\.(\\d+)\\.(?:attn_v|attn_qkv|ffn_down)\\.weight");

  /**
   * The type of a tensor, if its rows are a whole number of blocks.
   *
   * @param name in GGUF files
   * @param shape its dimensions; vectors stay float32
   */
  ElementType wanted(String name, List<Long> shape) {
    if (shape.size() < 2) {
      return ElementType.F32;
    }
    if (name.equals(GgufArchitecture.HEAD) || (tied && name.equals(GgufArchitecture.EMBEDDING))) {
      return type.head();
    }
    Matcher matcher = SENSITIVE.matcher(name);
    return matcher.matches() && mattersMore(Integer.parseInt(matcher.group(1)))
        ? type.sensitive()
        : type.most();
  }

  /** The first and the last eighth of the layers, and every third of those between. */
  private boolean mattersMore(int layer) {
    int eighth = layers / 8;
    return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }
}
