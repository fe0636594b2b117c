package org.sinkstream.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.sinkstream.error.DeviceFaultException;
import org.sinkstream.error.SinkstreamException;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The one place where a failure becomes a line on stderr and an exit code. */
final class Failures {
  private static final String DEBUG = "SINKSTREAM_DEBUG";

  private Failures() {}

  /**
   * Reports a failure.
   *
   * @return 2 for bad input, 1 for a fault of ours
   */
  static int report(Throwable failure, PrintStream err) {
    Throwable cause = unwrap(failure);
    if (System.getenv(DEBUG) != null) {
      failure.printStackTrace(err);
    }
    boolean badInput =
        cause instanceof ParameterException
            || (cause instanceof SinkstreamException && !(cause instanceof DeviceFaultException))
            || cause instanceof IllegalArgumentException
            || cause instanceof IOException;
    err.println("error: " + oneLine(badInput ? message(cause) : fault(cause)));
    return badInput ? ExitCode.USAGE : ExitCode.SOFTWARE;
  }

  /** A failed static initialiser and an unchecked wrapper only carry what went wrong. */
  private static Throwable unwrap(Throwable failure) {
    boolean wrapper =
        failure instanceof ExceptionInInitializerError || failure instanceof UncheckedIOException;
    return wrapper && failure.getCause() != null ? unwrap(failure.getCause()) : failure;
  }

  /**
   * The message for the user; where an exception's own is only a file's name, with what is wrong
   * with it.
   */
  static String message(Throwable cause) {
    return switch (cause) {
      case UnmatchedArgumentException unmatched -> unmatched.getMessage() + hint(unmatched);
      // picocli puts a word of its own before some of its messages.
      case ParameterException refused ->
          String.valueOf(refused.getMessage()).replaceFirst("^Error: ", "");
      case NoSuchFileException missing -> missing.getFile() + ": no such file or directory";
      case AccessDeniedException denied -> denied.getFile() + ": permission denied";
      case NotDirectoryException file -> file.getFile() + ": not a directory";
      case FileSystemException other when other.getReason() != null ->
          other.getFile() + ": " + other.getReason();
      default -> String.valueOf(cause.getMessage());
    };
  }

  private static String hint(UnmatchedArgumentException unmatched) {
    return unmatched.getSuggestions().isEmpty()
        ? "; --help says what there is"
        : "; did you mean " + String.join(" or ", unmatched.getSuggestions()) + "?";
  }

  private static String fault(Throwable cause) {
    return "internal error, please report it: "
        + cause
        + " ("
        + DEBUG
        + "=1 in the environment prints the stack trace)";
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
