package org.sinkstream.cli;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.sinkstream.CachePolicy;
import org.sinkstream.Model;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** What a session's cache keeps. */
final class CacheMixin {
  @Option(
      names = "--cache",
      paramLabel = "POLICY",
      converter = Policy.class,
      description = {
        "S+R: S sink tokens and a window of R recent tokens; 0+R: a plain window; dense: everything;"
            + " recompute:L: the last L tokens, taken through the model again for each prediction.",
        "Default: 4 sink tokens and the largest window that keeps the query inside the trained"
            + " context, at most 4+2043."
      })
  private @Nullable CachePolicy policy;

  /** The policy asked for. */
  Optional<CachePolicy> given() {
    return Optional.ofNullable(policy);
  }

  /** The policy asked for, or the default one for a model. */
  CachePolicy policy(Model model) {
    return given().orElseGet(model::defaultPolicy);
  }

  /** Reads a policy; a refusal says why. */
  static final class Policy implements ITypeConverter<CachePolicy> {
    @Override
    public CachePolicy convert(String text) {
      try {
        return CachePolicy.parse(text);
      } catch (IllegalArgumentException refused) {
        throw new TypeConversionException("'%s': %s".formatted(text, refused.getMessage()));
      }
    }
  }
}
