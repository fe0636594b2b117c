package org.sinkstream.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Two neighbouring tokens that byte-pair encoding makes one of.
 *
 * @param left the first
 * @param right the second
 */
record Merge(String left, String right) {
  private record Candidate(Merge merge, float score, int left, int right) {}

  /**
   * The merges of a SentencePiece model, first those to do first. SentencePiece merges the two
   * neighbours whose union has the highest score, whichever two they are; so each way to cut a
   * token in two is a merge. Which of them comes first matters only among equal scores: where all
   * differ, a token is ever made of the same two. There the lower ids come first, as in Hugging
   * Face's converter; runs of spaces, whose scores are all the same, then grow from the left as
   * they should.
   *
   * @param scores of each token
   */
  static List<Merge> fromScores(TokenList tokens, List<Float> scores) {
    List<Candidate> candidates = new ArrayList<>();
    tokens
        .ofType(TokenType.NORMAL)
        .forEach(id -> addCandidates(tokens, tokens.text(id), scores.get(id), candidates));
    candidates.sort(
        Comparator.comparing(Candidate::score, Comparator.reverseOrder())
            .thenComparingInt(Candidate::left)
            .thenComparingInt(Candidate::right));
    return candidates.stream().map(Candidate::merge).toList();
  }

  private static void addCandidates(
      TokenList tokens, String text, float score, List<Candidate> candidates) {
    for (int cut = next(text, 0); cut < text.length(); cut = next(text, cut)) {
      String start = text.substring(0, cut);
      Optional<Integer> left = normal(tokens, start);
      if (left.isPresent()) {
        String end = text.substring(cut);
        normal(tokens, end)
            .ifPresent(right ->
                candidates.add(new Candidate(new Merge(start, end), score, left.get(), right)));
      }
    }
  }

  private static int next(String text, int at) {
    return text.offsetByCodePoints(at, 1);
  }

  private static Optional<Integer> normal(TokenList tokens, String text) {
    return tokens.idOf(text).filter(id -> tokens.type(id) == TokenType.NORMAL);
  }
}
