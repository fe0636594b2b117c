package org.sinkstream.cli;

import java.util.List;

/**
 * How a conversation is written for the model, as Vicuna's is: turns with a prefix each, an empty
 * line between them.
 *
 * @param system stands in front of everything, may be empty
 * @param userPrefix in front of a question, may be empty
 * @param assistantPrefix in front of an answer, may be empty
 */
record ChatTemplate(String system, String userPrefix, String assistantPrefix) {
  private static final String BREAK = "\n\n";

  /** What ends an answer: the model begins the next question itself. */
  List<String> stops() {
    return userPrefix.isBlank() ? List.of() : List.of(userPrefix.strip());
  }

  /** A question at the very start of a stream. */
  String first(String question) {
    return userPrefix + question + BREAK + assistantPrefix;
  }

  /** A question after something else. */
  String next(String question) {
    return BREAK + first(question);
  }

  /** A question where the model has just written the {@link #stops stop}. */
  String afterStop(String question) {
    String stop = userPrefix.strip();
    int end = userPrefix.indexOf(stop) + stop.length();
    return userPrefix.substring(end) + question + BREAK + assistantPrefix;
  }
}
