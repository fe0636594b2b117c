package org.sinkstream;

import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model is and where it runs.
 *
 * @param architecture the family, as its config names it, e.g. {@code llama}
 * @param layers decoder layers
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param kvHeads key and value heads
 * @param headDim channels of a head
 * @param vocabulary how many tokens there are
 * @param trainedContext positions the model was trained on
 * @param sinkLogits whether the softmax of attention has sink logits in its denominator
 * @param sinkToken the token in front of every stream, if there is one
 * @param parameters numbers in its weights
 * @param weightTypes element types of its weights, as the checkpoint has them, in alphabetical
 *     order, e.g. {@code bf16}
 * @param weightBytes bytes of its weights, as the checkpoint has them
 * @param stepBytes bytes of its matrices that a step reads, as the device holds them, however many
 *     tokens go through the layers together: all but an embedding that is only looked up
 * @param device where it runs, e.g. {@code cpu}
 * @param kernels the kernels in use, e.g. {@code avx512+vnni+bf16}
 * @param threads threads an operation uses
 * @param kvType element type of cached keys and values
 * @param tokenBytes bytes of a token's keys and values in a cache, in all layers
 */
public record ModelInfo(
    String architecture,
    int layers,
    int hidden,
    int heads,
    int kvHeads,
    int headDim,
    int vocabulary,
    int trainedContext,
    boolean sinkLogits,
    OptionalInt sinkToken,
    long parameters,
    Set<String> weightTypes,
    long weightBytes,
    long stepBytes,
    String device,
    String kernels,
    int threads,
    KvType kvType,
    long tokenBytes) {}
