package org.sinkstream.cli.experiment;

import java.io.IOException;
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

  /** [layer, head] each: the share of the first token, of the first few, of all behind them. */
  private record Shares(double[][] first, double[][] firstFew, double[][] rest) {}

  private void report(ModelInfo info, AttentionSums sums, RunDirectory out) throws IOException {
    Shares shares =
        new Shares(sums.shares(0, 1), sums.shares(0, FIRST), sums.shares(FIRST, length));
    Report report =
        new Report(out, "What the heads of %s attend to".formatted(source.label()))
            .model(source.name(), info)
            .paragraph(method(sums))
            .paragraph(sinkHeads(shares))
            .picture(
                "heads.png",
                "Attention of each head to the first tokens",
                headMap(info, shares.firstFew))
            .table(
                List.of("layer", "first token", "first %d tokens".formatted(FIRST), "rest"),
                layerRows(shares));
    for (int layer = 0; layer < info.layers(); layer++) {
      report.picture(
          "layer-%02d.png".formatted(layer), "Layer " + layer, layerMap(info, sums, layer));
    }
    report.csv("heads.csv", "each head's share", csv(shares)).finish();
  }

  private String method(AttentionSums sums) {
    return ("Mean over %s pieces of %d tokens. Each number is the attention that the tokens of a"
            + " piece's second half pay, so that every one of them sees the first tokens and"
            + " much else; spread evenly, the first token would get %s and the first %d %s.")
        .formatted(
            Format.count(sums.pieces()),
            length,
            Format.percent(sums.even(1)),
            FIRST,
            Format.percent(sums.even(FIRST)));
  }

  private static String sinkHeads(Shares shares) {
    double[] heads = Arrays.stream(shares.first).flatMapToDouble(Arrays::stream).toArray();
    return ("**%d of %d heads** give the first token more than %s of their attention, the mark that"
            + " Gu et al. (arXiv 2410.10781) set for an attention sink; over all heads it"
            + " gets %s, the first %d tokens get %s, and the rest %s.")
        .formatted(
            Arrays.stream(heads).filter(share -> share > SINK_HEAD).count(),
            heads.length,
            Format.percent(SINK_HEAD),
            mean(shares.first),
            FIRST,
            mean(shares.firstFew),
            mean(shares.rest));
  }

  private static List<List<String>> layerRows(Shares shares) {
    return IntStream.range(0, shares.first.length)
        .mapToObj(layer ->
            List.of(
                Integer.toString(layer),
                mean(shares.first[layer]),
                mean(shares.firstFew[layer]),
                mean(shares.rest[layer])))
        .toList();
  }

  private static String csv(Shares shares) {
    StringBuilder csv =
        new StringBuilder(Csv.line("layer", "head", "first_token", "first_tokens", "rest"));
    for (int layer = 0; layer < shares.first.length; layer++) {
      for (int head = 0; head < shares.first[layer].length; head++) {
        csv.append(
            Csv.line(
                layer,
                head,
                shares.first[layer][head],
                shares.firstFew[layer][head],
                shares.rest[layer][head]));
      }
    }
    return csv.toString();
  }

  private Picture headMap(ModelInfo info, double[][] firstFew) {
    HeatMap map =
        new HeatMap(
            "%s: share of attention that the first %d tokens get".formatted(source.label(), FIRST),
            "head",
            "layer",
            false,
            info.heads() <= 8 ? 90 : 48,
            28,
            true);
    return () -> map.png(List.of(new HeatMap.Panel("", firstFew)), 1);
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

  /** Over all heads of some layers, in percent. */
  private static String mean(double[]... layers) {
    return Format.percent(
        Arrays.stream(layers).flatMapToDouble(Arrays::stream).average().orElseThrow());
  }
}
