package org.sinkstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.testing.EmbeddedModel;
import org.sinkstream.testing.ModelCopy;

/** Generation on the embedded model: text, ends, seeds, cancellation. */
class GenerationTest {
  private static final CachePolicy SMALL = CachePolicy.streaming(4, 60);
  private static final String PROMPT = "The captain looked at the sea and";
  private static Model model;

  @BeforeAll
  static void open() {
    model = Model.open(EmbeddedModel.DIRECTORY);
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static List<Token> generate(GenerationOptions options) {
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      return session.generate(options).stream().toList();
    }
  }

  private static String text(List<Token> tokens) {
    return tokens.stream().map(Token::text).collect(Collectors.joining());
  }

  @Test
  void givesOutExactlyWhatTheStreamHolds() {
    try (Session session = model.newSession(SMALL)) {
      int prompt = session.append(PROMPT);
      Generation generation = session.generate(GenerationOptions.of(200, 1).withoutEnd());
      List<Integer> ids = new ArrayList<>();
      for (Token token : generation) {
        assertThat(token.position()).isEqualTo(prompt + ids.size());
        ids.add(token.id());
        assertThat(session.position()).isEqualTo(prompt + ids.size());
      }
      assertThat(ids).hasSize(200);
      assertThat(generation.finishReason()).contains(FinishReason.MAX_TOKENS);
      assertThat(generation.timings().promptTokens()).isEqualTo(prompt);
      assertThat(generation.timings().generatedTokens()).isEqualTo(200);
      assertThat(generation.timings().generatedTokensPerSecond()).isPositive();
    }
  }

  @Test
  void textContinuesThePromptWithItsSpaces() {
    List<Token> tokens = generate(GenerationOptions.of(60, 3).withoutEnd());
    int[] prompt = model.tokenizer().encode(PROMPT, true);
    int[] all = new int[prompt.length + tokens.size()];
    System.arraycopy(prompt, 0, all, 0, prompt.length);
    for (int i = 0; i < tokens.size(); i++) {
      all[prompt.length + i] = tokens.get(i).id();
    }
    assertThat(PROMPT + text(tokens)).isEqualTo(model.tokenizer().decode(all));
  }

  @Test
  void theSameSeedGivesTheSameTokens() {
    GenerationOptions options = GenerationOptions.of(50, 42);
    List<Token> first = generate(options);
    assertThat(generate(options)).isEqualTo(first);
    assertThat(generate(options.withSampling(Sampling.seeded(43)))).isNotEqualTo(first);
  }

  @Test
  void greedyTakesTheMostLikelyToken() {
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      for (int i = 0; i < 20; i++) {
        float[] logits = session.logits();
        int best = 0;
        for (int id = 1; id < logits.length; id++) {
          best = logits[id] > logits[best] ? id : best;
        }
        Token token = session.generate(GenerationOptions.greedy(1)).iterator().next();
        assertThat(token.id()).isEqualTo(best);
      }
    }
  }

  @Test
  void endsAtAStopStringAndWithholdsIt() {
    String free = text(generate(GenerationOptions.of(80, 5).withoutEnd()));
    String stop = free.substring(free.length() / 2, free.length() / 2 + 4);
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      Generation generation =
          session.generate(GenerationOptions.of(80, 5).withoutEnd().withStops(stop));
      String stopped = generation.stream().map(Token::text).collect(Collectors.joining());
      assertThat(stopped).isEqualTo(free.substring(0, free.indexOf(stop)));
      assertThat(generation.finishReason()).contains(FinishReason.STOP_STRING);
    }
  }

  @Test
  void cancelsFromAnotherThread() throws InterruptedException {
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      Generation generation = session.generate(GenerationOptions.of(0, 1).withoutEnd());
      Iterator<Token> tokens = generation.iterator();
      for (int i = 0; i < 5; i++) {
        tokens.next();
      }
      Thread canceller = new Thread(generation::cancel);
      canceller.start();
      canceller.join();
      assertThat(tokens.hasNext()).isFalse();
      assertThatThrownBy(tokens::next).isInstanceOf(NoSuchElementException.class);
      assertThat(generation.finishReason()).contains(FinishReason.CANCELLED);
      assertThat(generation.timings().generatedTokens()).isEqualTo(5);
    }
  }

  @Test
  void anotherGenerationEndsTheOneBefore() {
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      Generation first = session.generate(GenerationOptions.of(10, 1));
      session.generate(GenerationOptions.of(10, 1));
      assertThat(first.iterator().hasNext()).isFalse();
      assertThat(first.finishReason()).contains(FinishReason.CANCELLED);
    }
  }

  @Test
  void callbackSeesEveryToken() {
    try (Session session = model.newSession(SMALL)) {
      session.append(PROMPT);
      List<Token> seen = new ArrayList<>();
      Generation generation = session.generate(GenerationOptions.of(12, 9).withoutEnd(), seen::add);
      assertThat(seen).hasSize(12).isEqualTo(generate(GenerationOptions.of(12, 9).withoutEnd()));
      assertThat(generation.finishReason()).contains(FinishReason.MAX_TOKENS);
    }
  }

  private static Path withEnds(Path folder, String ends) throws IOException {
    ModelCopy.of(EmbeddedModel.DIRECTORY, folder, "", Map.of());
    for (String name : List.of("config.json", "generation_config.json")) {
      String text = Files.readString(folder.resolve(name));
      Files.writeString(
          folder.resolve(name),
          text.replaceFirst("\"eos_token_id\": *2", "\"eos_token_id\": " + ends));
    }
    return folder;
  }

  @Test
  void endsThatTheModelLacksAreNone(@TempDir Path folder) throws IOException {
    String ends = IntStream.range(4090, 4200).boxed().toList().toString();
    try (Model many = Model.open(withEnds(folder, ends));
        Session session = many.newSession(SMALL)) {
      assertThat(many.endOfText()).containsExactlyInAnyOrder(4090, 4091, 4092, 4093, 4094, 4095);
      session.append(1);
      assertThat(session.generate(GenerationOptions.greedy(5).withoutEnd()).stream()).hasSize(5);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void nothingIsLeftWhereAllTokensEndTheText(boolean greedy, @TempDir Path folder)
      throws IOException {
    String ends = IntStream.range(0, 4096).boxed().toList().toString();
    GenerationOptions options = greedy ? GenerationOptions.greedy(5) : GenerationOptions.of(5, 1);
    try (Model all = Model.open(withEnds(folder, ends));
        Session session = all.newSession(SMALL)) {
      session.append(1);
      assertThatThrownBy(() -> session.generate(options.withoutEnd()))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("all of the model's 4096 tokens end its text; expected one");
      assertThat(session.generate(options).stream()).hasSize(1);
    }
  }
}
