package org.sinkstream.convert;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sinkstream.checkpoint.GgufArchitecture;
import org.sinkstream.kernels.ElementType;

/**
 * Which type each tensor of a file wants.
 *
 * @param most the type of most matrices
 * @param sensitive the type of a matrix of values, or the MLP's second one, in a layer that matters
 *     more
 * @param head the type of the output head, or of an embedding that is the head as well
 * @param layers of the model
 * @param tied whether the embedding is the output head as well
 */
public record Mixture(
    ElementType most, ElementType sensitive, ElementType head, int layers, boolean tied) {
  private static final Pattern SENSITIVE =
      Pattern.compile("blk\\.(\\d+)\\.(?:attn_v|attn_qkv|ffn_down)\\.weight");

  /**
   * The type of a tensor, if its rows are a whole number of blocks.
   *
   * @param name in GGUF files
   * @param shape its dimensions; vectors stay float32
   */
  public ElementType wanted(String name, List<Long> shape) {
    if (shape.size() < 2) {
      return ElementType.F32;
    }
    if (name.equals(GgufArchitecture.HEAD) || (tied && name.equals(GgufArchitecture.EMBEDDING))) {
      return head;
    }
    Matcher matcher = SENSITIVE.matcher(name);
    return matcher.matches() && mattersMore(Integer.parseInt(matcher.group(1))) ? sensitive : most;
  }

  /**
   * The type that a tensor is stored in: the one it wants, or another that fits its rows.
   *
   * @param name in GGUF files
   * @param shape its dimensions
   */
  public ElementType stored(String name, List<Long> shape) {
    ElementType wanted = wanted(name, shape);
    return instead(wanted, shape.getLast()).orElse(wanted);
  }

  /**
   * The type to use for rows that are no whole number of a type's blocks; empty where they are.
   *
   * @param columns values of a row
   */
  public static Optional<ElementType> instead(ElementType type, long columns) {
    if (columns % type.blockValues() == 0) {
      return Optional.empty();
    }
    boolean fits = columns % ElementType.Q8_0.blockValues() == 0;
    return Optional.of(fits ? ElementType.Q8_0 : ElementType.F16);
  }

  /** The first and the last eighth of the layers, and every third of those between. */
  private boolean mattersMore(int layer) {
    int eighth = layers / 8;
    return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
  }
}
