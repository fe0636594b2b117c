package org.sinkstream.cli;

import java.util.List;
import picocli.CommandLine.Option;

/** Cache sizes to compare. */
final class SizesMixin {
  @Option(
      names = "--sizes",
      paramLabel = "C",
      split = ",",
      converter = WholeNumber.CacheSize.class,
      description =
          "Cache sizes, sink and recent tokens together (default: 256,512,1024,2048,4096).")
  private List<Long> sizes = List.of(256L, 512L, 1024L, 2048L, 4096L);

  /** The sizes, each once, smallest first. */
  List<Integer> sizes() {
    return sizes.stream().map(Math::toIntExact).distinct().sorted().toList();
  }
}
