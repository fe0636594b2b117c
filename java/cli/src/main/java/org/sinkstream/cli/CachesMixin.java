package org.sinkstream.cli;

import java.util.List;
import org.sinkstream.CachePolicy;
import picocli.CommandLine.Option;

/** The policies that an experiment compares. */
final class CachesMixin {
  @Option(
      names = "--cache",
      paramLabel = "POLICY",
      required = true,
      converter = CacheMixin.Policy.class,
      description = "What is compared: S+R, 0+R, dense or recompute:L. May be repeated.")
  private List<CachePolicy> policies = List.of();

  /** In the order in which they were asked for. */
  List<CachePolicy> policies() {
    return List.copyOf(policies);
  }
}
