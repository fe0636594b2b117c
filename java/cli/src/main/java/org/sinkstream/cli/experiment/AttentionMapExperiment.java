package org.sinkstream.cli.experiment;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import org.sinkstream.ModelInfo;
import org.sinkstream.Session;

/**
 * What the heads of a model attend to: mean attention of every token to every one before it, in
 * short pieces of a text (the paper's Figure 2), and of each head the share that the first tokens
 * get.
 *
 * @param source the model
 * @param text where the pieces come from
 * @param samples most pieces
 * @param length tokens of a piece
 */
public record AttentionMapExperiment(ModelSource source, ScoredText text, int samples, int length)
    implements Experiment {
  /** The shortest piece that says something. */
  public static final int LEAST_LENGTH = 8;

  private static final int FIRST = 4;

  /** Above this a head is one of the sinks': Gu et al., arXiv 2410.10781, section 3. */
  private static final double SINK_HEAD = 0.3;

  private static final long SAVE_NANOS = 10_000_000_000L;

  @Override
  public void run(RunDirectory out, Monitor monitor) throws IOException, StoppedException {
    try (Model model = source.open()) {
      List<int[]> pieces = pieces(model);
      Path file = out.part("attention").resolve("sums.f64");
      AttentionSums sums = new AttentionSums(model.info(), length);
      sums.load(file);
      observe(model, pieces, sums, file, monitor);
      report(model.info(), sums, out);
    }
  }

  /** Pieces of the text, each with the special tokens that go in front. */
  private List<int[]> pieces(Model model) throws IOException {
    int[] tokens = text.read(model);
    int[] special =
        IntStream.concat(
                model.info().sinkToken().stream(),
                Arrays.stream(model.tokenizer().encode("", true)))
            .toArray();
    int body = length - special.length;
    if (body < 1) {
      throw new IllegalArgumentException(
          "--length %d: expected more than the %d special tokens in front"
              .formatted(length, special.length));
    }
    List<int[]> pieces = new ArrayList<>();
    // The text begins with the tokenizer's special tokens, or with as many others: none is missed.
    for (int at = special.length;
        at + body <= tokens.length && pieces.size() < samples;
        at += body) {
      int[] piece = new int[length];
      System.arraycopy(special, 0, piece, 0, special.length);
      System.arraycopy(tokens, at, piece, special.length, body);
      pieces.add(piece);
    }
    if (pieces.isEmpty()) {
      throw new IllegalArgumentException(
          "%d tokens of text; expected at least --length %d".formatted(tokens.length, length));
    }
    return pieces;
  }

  private void observe(
      Model model, List<int[]> pieces, AttentionSums sums, Path file, Monitor monitor)
      throws IOException, StoppedException {
    long saved = System.nanoTime();
    try (Monitor.Task task = monitor.start("attention", pieces.size(), sums.pieces(), "pieces");
        Session session = model.newSession(CachePolicy.dense())) {
      while (sums.pieces() < pieces.size()) {
        session.clear();
        session.observe(pieces.get(sums.pieces()), sums::add);
        sums.pieceDone();
        task.advance(1);
        boolean last = sums.pieces() == pieces.size();
        if (last || monitor.stopRequested() || System.nanoTime() - saved > SAVE_NANOS) {
          sums.save(file);
          saved = System.nanoTime();
          if (!last) {
            monitor.checkStop();
          }
        }
      }
    }
  }

  private void report(ModelInfo info, AttentionSums sums, RunDirectory out) throws IOException {
    double[][] first = new double[info.layers()][info.heads()];
    double[][] firstFew = new double[info.layers()][info.heads()];
    double[][] rest = new double[info.layers()][info.heads()];
    StringBuilder csv =
        new StringBuilder(Csv.line("layer", "head", "first_token", "first_tokens", "rest"));
    int sinkHeads = 0;
    for (int layer = 0; layer < info.layers(); layer++) {
      for (int head = 0; head < info.heads(); head++) {
        first[layer][head] = sums.share(layer, head, 0, 1);
        firstFew[layer][head] = sums.share(layer, head, 0, FIRST);
        rest[layer][head] = sums.share(layer, head, FIRST, length);
        sinkHeads += first[layer][head] > SINK_HEAD ? 1 : 0;
        csv.append(
            Csv.line(layer, head, first[layer][head], firstFew[layer][head], rest[layer][head]));
      }
    }
    int heads = info.layers() * info.heads();
    Report report =
        new Report(out, "What the heads of %s attend to".formatted(source.label()))
            .model(source.name(), info)
            .paragraph(
                ("Mean over %s pieces of %d tokens. Each number is the attention that the tokens of a"
                        + " piece's second half pay, so that every one of them sees the first tokens and"
                        + " much else; spread evenly, the first token would get %s and the first %d %s.")
                    .formatted(
                        Format.count(sums.pieces()),
                        length,
                        Format.percent(sums.even(1)),
                        FIRST,
                        Format.percent(sums.even(FIRST))))
            .paragraph(
                ("**%d of %d heads** give the first token more than %s of their attention, the mark that"
                        + " Gu et al. (arXiv 2410.10781) set for an attention sink; over all heads it"
                        + " gets %s, the first %d tokens get %s, and the rest %s.")
                    .formatted(
                        sinkHeads,
                        heads,
                        Format.percent(SINK_HEAD),
                        Format.percent(mean(first)),
                        FIRST,
                        Format.percent(mean(firstFew)),
                        Format.percent(mean(rest))));
    report.picture(
        "heads.png",
        "Attention of each head to the first tokens",
        () ->
            new HeatMap(
                    "%s: share of attention that the first %d tokens get"
                        .formatted(source.label(), FIRST),
                    "head",
                    "layer",
                    false,
                    info.heads() <= 8 ? 90 : 48,
                    28,
                    true)
                .png(List.of(new HeatMap.Panel("", firstFew)), 1));
    List<List<String>> rows = new ArrayList<>();
    for (int layer = 0; layer < info.layers(); layer++) {
      rows.add(
          List.of(
              Integer.toString(layer),
              Format.percent(mean(new double[][] {first[layer]})),
              Format.percent(mean(new double[][] {firstFew[layer]})),
              Format.percent(mean(new double[][] {rest[layer]}))));
    }
    report.table(List.of("layer", "first token", "first %d tokens".formatted(FIRST), "rest"), rows);
    for (int layer = 0; layer < info.layers(); layer++) {
      report.picture(
          "layer-%02d.png".formatted(layer), "Layer " + layer, layerMap(info, sums, layer));
    }
    report.csv("heads.csv", "each head's share", csv.toString());
    report.finish();
  }

  private Picture layerMap(ModelInfo info, AttentionSums sums, int layer) {
    int cell = Math.max(2, 256 / length);
    HeatMap map =
        new HeatMap(
            "%s, layer %d: mean attention, log scale".formatted(source.label(), layer),
            "attended token",
            "attending token",
            true,
            cell,
            cell,
            false);
    List<HeatMap.Panel> heads =
        IntStream.range(0, info.heads())
            .mapToObj(head -> new HeatMap.Panel("head " + head, sums.mean(layer, head)))
            .toList();
    return () -> map.png(heads, heads.size() <= 4 ? 2 : 4);
  }

  private static double mean(double[][] values) {
    double sum = 0;
    int count = 0;
    for (double[] row : values) {
      for (double value : row) {
        sum += value;
        count++;
      }
    }
    return sum / count;
  }

  /** Attention added up over pieces. */
  private static final class AttentionSums {
    private final int layers;
    private final int heads;
    private final int length;
    private final double[] sums;
    private int pieces;

    AttentionSums(ModelInfo info, int length) {
      this.layers = info.layers();
      this.heads = info.heads();
      this.length = length;
      long count = Math.multiplyExact((long) layers * heads, (long) length * length);
      this.sums = new double[Math.toIntExact(count)];
    }

    int pieces() {
      return pieces;
    }

    void pieceDone() {
      pieces++;
    }

    void add(long position, int layer, float[] weights) {
      int keys = weights.length / heads;
      for (int head = 0; head < heads; head++) {
        int to = at(layer, head, (int) position);
        for (int key = 0; key < keys; key++) {
          sums[to + key] += weights[head * keys + key];
        }
      }
    }

    private int at(int layer, int head, int query) {
      return ((layer * heads + head) * length + query) * length;
    }

    /** [attending, attended], NaN where a token cannot see another. */
    double[][] mean(int layer, int head) {
      double[][] mean = new double[length][length];
      for (int query = 0; query < length; query++) {
        for (int key = 0; key < length; key++) {
          mean[query][key] = key > query ? Double.NaN : sums[at(layer, head, query) + key] / pieces;
        }
      }
      return mean;
    }

    /** Of the attention of a piece's second half, what the tokens [from, to) get. */
    double share(int layer, int head, int from, int to) {
      double sum = 0;
      for (int query = length / 2; query < length; query++) {
        for (int key = from; key < to; key++) {
          sum += sums[at(layer, head, query) + key];
        }
      }
      return sum / pieces / (length - length / 2);
    }

    /** What the first tokens would get if attention were spread evenly. */
    double even(int first) {
      return IntStream.range(length / 2, length)
          .mapToDouble(query -> (double) first / (query + 1))
          .average()
          .orElseThrow();
    }

    void save(Path file) throws IOException {
      ByteBuffer bytes =
          ByteBuffer.allocate((sums.length + 1) * Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.putDouble(pieces).asDoubleBuffer().put(sums);
      RunDirectory.write(file, bytes.array());
    }

    void load(Path file) throws IOException {
      if (!Files.exists(file)) {
        return;
      }
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length != (sums.length + 1) * Double.BYTES) {
        throw new IllegalArgumentException(
            "--resume: %s: %d bytes; expected %d, those of this model and --length"
                .formatted(file, bytes.length, (sums.length + 1L) * Double.BYTES));
      }
      ByteBuffer saved = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      pieces = (int) saved.getDouble();
      saved.asDoubleBuffer().get(sums);
    }
  }
}
