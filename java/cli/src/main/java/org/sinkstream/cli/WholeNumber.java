package org.sinkstream.cli;

import org.sinkstream.ModelOptions;
import org.sinkstream.Sampling;
import org.sinkstream.SessionBatch;
import org.sinkstream.cli.experiment.AttentionMapExperiment;
import org.sinkstream.cli.experiment.SinksExperiment;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads whole numbers of a range; a refusal says the value and the range, picocli adds the option.
 */
abstract class WholeNumber implements ITypeConverter<Long> {
  private final long least;
  private final long most;

  private WholeNumber(long least, long most) {
    this.least = least;
    this.most = most;
  }

  @Override
  public Long convert(String text) {
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException notWhole) {
      // Refused below, as a number out of range is.
    }
    throw new TypeConversionException(
        "'%s'; expected a whole number from %d to %d".formatted(text, least, most));
  }

  /** Threads of an operation. */
  static final class Threads extends WholeNumber {
    Threads() {
      super(1, ModelOptions.MAX_THREADS);
    }
  }

  /** Tokens that go through the layers together. */
  static final class Chunk extends WholeNumber {
    Chunk() {
      super(1, ModelOptions.MAX_CHUNK);
    }
  }

  /** Counts of tokens where 0 means no limit, and seeds. */
  static final class Any extends WholeNumber {
    Any() {
      super(0, Long.MAX_VALUE);
    }
  }

  /** The id of a token; the model says how many there are. */
  static final class TokenId extends WholeNumber {
    TokenId() {
      super(0, Integer.MAX_VALUE);
    }
  }

  /** Tokens of a test or before it. */
  static final class Tokens extends WholeNumber {
    Tokens() {
      super(0, 1 << 24);
    }
  }

  /** Streams stepped together. */
  static final class BatchStreams extends WholeNumber {
    BatchStreams() {
      super(1, SessionBatch.MAX_STREAMS);
    }
  }

  /** Sink and recent tokens together, with room for the sink tokens of every experiment. */
  static final class CacheSize extends WholeNumber {
    CacheSize() {
      super(SinksExperiment.LEAST_SIZE, 1 << 24);
    }
  }

  /** Pieces of a text. */
  static final class Samples extends WholeNumber {
    Samples() {
      super(1, 1 << 20);
    }
  }

  /** Tokens of a piece of a text whose attention is shown in full. */
  static final class PieceLength extends WholeNumber {
    PieceLength() {
      super(AttentionMapExperiment.LEAST_LENGTH, 256);
    }
  }

  /** Lines of a text, at least one. */
  static final class Lines extends WholeNumber {
    Lines() {
      super(1, 1 << 20);
    }
  }

  /** Tokens of a stream that must end. */
  static final class StreamLength extends WholeNumber {
    StreamLength() {
      super(1, Long.MAX_VALUE);
    }
  }

  /** Tokens of a moving mean. */
  static final class Window extends WholeNumber {
    Window() {
      super(1, 1 << 24);
    }
  }

  /** How often something is measured. */
  static final class Repetitions extends WholeNumber {
    Repetitions() {
      super(1, 1000);
    }
  }

  /** Candidates of top-k. */
  static final class Candidates extends WholeNumber {
    Candidates() {
      super(0, Integer.MAX_VALUE);
    }
  }

  /** Recent tokens of the repetition penalty. */
  static final class Recent extends WholeNumber {
    Recent() {
      super(0, Sampling.MAX_REPETITION_WINDOW);
    }
  }
}
