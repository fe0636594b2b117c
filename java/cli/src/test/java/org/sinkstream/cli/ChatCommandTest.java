package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class ChatCommandTest {
  private static final String SYSTEM = "A talk between a captain and his mate.";

  private static Cli.Result chat(String lines, String... more) {
    String[] options =
        Stream.concat(Stream.of("chat", "--seed", "3", "--max-tokens", "12"), Stream.of(more))
            .toArray(String[]::new);
    return Cli.runWith(lines.getBytes(UTF_8), options);
  }

  private static String systemTokens() {
    String context = chat("/context\n", "--system", SYSTEM).out();
    return context.substring("position ".length(), context.indexOf(';'));
  }

  @Test
  void answersOneLineAfterTheOther() {
    Cli.Result one = chat("Where is the ship?\n");
    assertThat(one.code()).isZero();
    assertThat(one.err()).isEmpty();
    assertThat(one.out()).isNotBlank().doesNotStartWith(" ");
    Cli.Result two = chat("Where is the ship?\nAnd the crew?\n/quit\nnot read\n");
    assertThat(two.out()).startsWith(one.out());
    assertThat(two.out().length()).isGreaterThan(one.out().length() + 1);
    assertThat(chat("Where is the ship?\nAnd the crew?").out()).isEqualTo(two.out());
  }

  @Test
  void resetGoesBackToTheSystemPrompt() {
    List<String> contexts =
        chat("/context\nHello\n/reset\n/context\n", "--system", SYSTEM)
            .out()
            .lines()
            .filter(line -> line.startsWith("position "))
            .toList();
    assertThat(contexts).hasSize(2);
    assertThat(contexts.get(1)).isEqualTo(contexts.get(0)).contains("cache 4+1019");
  }

  @Test
  void contextFollowsTheConversation() {
    String out = chat("Hello\n/context\n", "--cache", "4+8").out();
    assertThat(out.lines().toList().getLast()).contains("; 12 tokens cached; cache 4+8, ");
  }

  @Test
  void pinningKeepsTheWholeSystemPromptAndTheWindow() {
    String sinks = systemTokens();
    assertThat(chat("/context\n", "--system", SYSTEM, "--pin-prompt", "--cache", "4+100").out())
        .contains("cache " + sinks + "+100,");
    assertThat(chat("/context\n", "--system", SYSTEM, "--pin-prompt").out())
        .contains("cache " + sinks + "+" + (1023 - Integer.parseInt(sinks)) + ",");
    assertThat(chat("/context\n", "--system", SYSTEM, "--pin-prompt", "--cache", "dense").out())
        .contains("cache dense,");
    String[] recompute = {"--system", SYSTEM, "--pin-prompt", "--cache", "recompute:100"};
    assertThat(chat("/context\n", recompute).code()).isEqualTo(2);
    assertThat(chat("/context\n", recompute).err())
        .contains("--cache recompute:100, which keeps no sink tokens; expected S+R or dense");
    int first = Integer.parseInt(sinks) + 1;
    assertThat(chat("/context\n", "--system", SYSTEM, "--pin-prompt", "--sink-token", "3").out())
        .contains("cache %d+%d,".formatted(first, 1023 - first));
  }

  @Test
  void aSystemPromptThatLeavesNoWindowIsRefused() {
    Cli.Result result = chat("Hello\n", "--system", "word ".repeat(1100), "--pin-prompt");
    assertThat(result.code()).isEqualTo(2);
    assertThat(result.err()).contains("expected fewer than 1023").hasLineCount(1);
  }

  @Test
  void unknownCommandsAreNamedAndTheChatGoesOn() {
    Cli.Result result = chat("/frob\n\n/context\n");
    assertThat(result.code()).isZero();
    assertThat(result.err())
        .isEqualTo("error: unknown command '/frob'; expected /context, /reset or /quit\n");
    assertThat(result.out()).startsWith("position 0; 0 tokens cached; ");
  }

  @Test
  void theTemplateGoesOnFromAStop() {
    ChatTemplate template = new ChatTemplate("", "USER: ", "ASSISTANT:");
    assertThat(template.stops()).containsExactly("USER:");
    assertThat(template.first("Hi")).isEqualTo("USER: Hi\n\nASSISTANT:");
    assertThat(template.next("Hi")).isEqualTo("\n\nUSER: Hi\n\nASSISTANT:");
    assertThat("USER:" + template.afterStop("Hi")).isEqualTo(template.first("Hi"));
    assertThat(new ChatTemplate("", " ", "").stops()).isEmpty();
  }
}
