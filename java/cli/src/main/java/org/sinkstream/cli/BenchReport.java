package org.sinkstream.cli;

import java.util.Collection;
import java.util.List;
import org.sinkstream.cli.experiment.Csv;
import org.sinkstream.cli.measure.BenchResult;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** How results are written: picocli fills in one of the options. */
final class BenchReport {
  private enum Format {
    MD,
    CSV,
    JSON
  }

  private Format format = Format.MD;
  private final ArrayNode results = Json.array();

  @Option(names = "--md", description = "A Markdown table as llama-bench prints it (the default).")
  void setMarkdown(boolean ignored) {
    format = Format.MD;
  }

  @Option(names = "--csv", description = "Comma-separated values (RFC 4180).")
  void setCsv(boolean ignored) {
    format = Format.CSV;
  }

  @Option(names = "--json", description = "One JSON array of objects, when all is done.")
  void setJson(boolean ignored) {
    format = Format.JSON;
  }

  /** Writes a result, or keeps it for {@link #finish}. */
  void add(Streams streams, BenchFields fields, BenchResult result) {
    ObjectNode object = fields.of(result);
    boolean first = results.isEmpty();
    switch (format) {
      case MD -> streams.show((first ? BenchFields.tableHead() : "") + fields.row(result));
      case CSV -> streams.show((first ? line(object.propertyNames()) : "") + line(texts(object)));
      case JSON -> {}
    }
    results.add(object);
  }

  /** Writes what was kept. */
  void finish(Streams streams) {
    if (format == Format.JSON) {
      Json.print(streams, results);
    }
  }

  private static List<String> texts(ObjectNode object) {
    return object.values().stream().map(JsonNode::asString).toList();
  }

  private static String line(Collection<String> values) {
    return Csv.record(values.toArray()) + "\r\n";
  }
}
