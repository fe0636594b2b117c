package org.sinkstream.cli.experiment;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.util.List;
import org.sinkstream.ModelInfo;
import org.sinkstream.NativeInfo;

/** The {@code report.md} of a run, in Markdown, and the pictures and tables it names. */
final class Report {
  private final RunDirectory out;
  private final boolean fonts;
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder tables = new StringBuilder();

  Report(RunDirectory out, String title) {
    this(out, title, Fonts.areThere());
  }

  /**
   * Starts a report.
   *
   * @param fonts whether words can be drawn
   */
  Report(RunDirectory out, String title, boolean fonts) {
    this.out = out;
    this.fonts = fonts;
    text.append("# ").append(title).append("\n\n");
  }

  /** A heading below the title. */
  Report heading(String words) {
    text.append("## ").append(words).append("\n\n");
    return this;
  }

  /** A paragraph. */
  Report paragraph(String words) {
    text.append(words).append("\n\n");
    return this;
  }

  /** A table; columns but the first are numbers. */
  Report table(List<String> head, List<List<String>> rows) {
    row(head);
    text.append("| --- ").append("| ---: ".repeat(head.size() - 1)).append("|\n");
    rows.forEach(this::row);
    text.append('\n');
    return this;
  }

  private void row(List<String> cells) {
    cells.forEach(cell -> text.append("| ").append(cell.replace("|", "\\|")).append(' '));
    text.append("|\n");
  }

  /** A picture, written beside the report; a line that says so where words cannot be drawn. */
  Report picture(String name, String caption, Picture picture) throws IOException {
    if (!fonts) {
      return paragraph(
          "(%s: not drawn, for this machine has no fonts; on Debian: fontconfig, fonts-dejavu-core)"
              .formatted(caption));
    }
    out.write(name, picture.png());
    text.append("![").append(caption).append("](").append(name).append(")\n\n");
    return this;
  }

  /** Says what a model is and how it ran. */
  Report model(String name, ModelInfo info) {
    return paragraph(
        "Model: %s (%s, %d layers, %d heads, %d KV heads, head_dim %d, %s parameters in %s), trained on a context of %s tokens. Ran on %s (%s, %d threads), keys and values in %s. Sinkstream %s."
            .formatted(
                name,
                info.architecture(),
                info.layers(),
                info.heads(),
                info.kvHeads(),
                info.headDim(),
                Format.count(info.parameters()),
                String.join(", ", info.weightTypes()),
                Format.count(info.trainedContext()),
                info.device(),
                info.kernels(),
                info.threads(),
                info.kvType(),
                NativeInfo.loaded().version()));
  }

  /** Writes a table of comma-separated values beside the report, which names it at its end. */
  Report csv(String name, String what, String content) throws IOException {
    out.write(name, content.getBytes(UTF_8));
    tables.append("- [%s](%s): %s\n".formatted(name, name, what));
    return this;
  }

  /** Ends the report with its tables and the command that repeats it, and writes it. */
  void finish() throws IOException {
    text.append(tables).append("\nThe command:\n\n```sh\n").append(out.command()).append("\n```\n");
    out.write("report.md", text.toString());
  }
}
