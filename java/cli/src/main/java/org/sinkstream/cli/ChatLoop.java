package org.sinkstream.cli;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.sinkstream.Generation;
import org.sinkstream.Token;

/** What the user types, line by line, and what comes of it. */
final class ChatLoop {
  private final Streams streams;
  private final boolean terminal = Terminal.IN.isTerminal();
  private final LineReader lines;
  private final Interrupt interrupt;
  private final Conversation conversation;

  ChatLoop(Streams streams, Interrupt interrupt, Conversation conversation) {
    this.streams = streams;
    this.lines = new LineReader("standard input", streams.in());
    this.interrupt = interrupt;
    this.conversation = conversation;
  }

  /** Runs until the input ends, {@code /quit}, or nobody reads the answers any more. */
  void run() throws IOException {
    String line = read();
    while (line != null && take(line.strip())) {
      line = read();
    }
  }

  private @Nullable String read() throws IOException {
    interrupt.reset();
    interrupt.onRaise(this::leave);
    if (terminal) {
      streams.show("> ");
    }
    return lines.next();
  }

  /** Ctrl-C while a line is read: nothing else gets a thread out of read(2). */
  private void leave() {
    streams.show("\n");
    System.exit(0);
  }

  /** Whether the chat goes on. */
  private boolean take(String line) {
    return switch (line) {
      case "" -> true;
      case "/quit" -> false;
      case "/reset" -> {
        conversation.reset();
        yield true;
      }
      case "/context" -> streams.show(conversation.context() + "\n");
      default -> line.startsWith("/") ? refuse(line) : answer(line);
    };
  }

  private boolean refuse(String command) {
    streams
        .err()
        .println(
            "error: unknown command '%s'; expected /context, /reset or /quit".formatted(command));
    return true;
  }

  private boolean answer(String question) {
    interrupt.reset();
    Generation answer = conversation.ask(question);
    interrupt.onRaise(answer::cancel);
    boolean begun = false;
    boolean read = true;
    for (Token token : answer) {
      // The space after the assistant's prefix is the model's to write, and no part of the answer.
      String text = begun ? token.text() : token.text().stripLeading();
      begun |= !text.isEmpty();
      read = streams.show(text);
      if (!read) {
        answer.cancel();
      }
    }
    conversation.answered(answer);
    return streams.show("\n") && read;
  }
}
