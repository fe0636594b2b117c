package org.sinkstream.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class StopSequencesTest {

  @Property(tries = 5000)
  void findsWhatSearchingTheWholeTextFinds(
      @ForAll("stops") List<String> stops, @ForAll("pieces") List<String> pieces) {
    StopSequences watch = new StopSequences(stops);
    StringBuilder emitted = new StringBuilder();
    StringBuilder text = new StringBuilder();
    for (String piece : pieces) {
      emitted.append(watch.accept(piece));
      text.append(piece);
      Optional<String> expected = firstComplete(stops, text.toString());
      assertThat(watch.matched()).isEqualTo(expected);
      assertThat(emitted.toString()).isEqualTo(certain(stops, text.toString(), expected));
    }
    emitted.append(watch.flush());
    String all = text.toString();
    assertThat(emitted.toString())
        .isEqualTo(
            firstComplete(stops, all).map(s -> all.substring(0, all.indexOf(s))).orElse(all));
  }

  @Provide
  Arbitrary<List<String>> stops() {
    return words(1, 6).list().ofMaxSize(4);
  }

  @Provide
  Arbitrary<List<String>> pieces() {
    return words(0, 5).list().ofMaxSize(12);
  }

  /** Of so few letters that stop strings overlap with themselves and with one another. */
  private static Arbitrary<String> words(int shortest, int longest) {
    return Arbitraries.strings().withChars('a', 'b').ofMinLength(shortest).ofMaxLength(longest);
  }

  private static Optional<String> firstComplete(List<String> stops, String text) {
    return stops.stream()
        .filter(text::contains)
        .min(
            Comparator.<String>comparingInt(stop -> text.indexOf(stop) + stop.length())
                .thenComparing(Comparator.comparingInt(String::length).reversed()));
  }

  /** All before the match, or all but the longest end that is the beginning of a stop string. */
  private static String certain(List<String> stops, String text, Optional<String> match) {
    if (match.isPresent()) {
      return text.substring(0, text.indexOf(match.get()));
    }
    int end = 0;
    while (!beginsAny(stops, text.substring(end))) {
      end++;
    }
    return text.substring(0, end);
  }

  private static boolean beginsAny(List<String> stops, String end) {
    return end.isEmpty() || stops.stream().anyMatch(stop -> stop.startsWith(end));
  }

  @Example
  void holdsBackOnlyWhatMayBeAStop() {
    StopSequences watch = new StopSequences(List.of("</s>", "\nUser:"));
    assertThat(watch.accept("Well <")).isEqualTo("Well ");
    assertThat(watch.accept("b> and\nUse")).isEqualTo("<b> and");
    assertThat(watch.accept("less\nUser: hello")).isEqualTo("\nUseless");
    assertThat(watch.matched()).contains("\nUser:");
    assertThat(watch.accept("more")).isEmpty();
    assertThat(watch.flush()).isEmpty();
  }

  @Example
  void withoutStopsAllPasses() {
    StopSequences watch = new StopSequences(List.of());
    assertThat(watch.accept("anything")).isEqualTo("anything");
    assertThat(watch.matched()).isEmpty();
    assertThat(watch.flush()).isEmpty();
  }

  @Example
  void refusesAnEmptyStop() {
    assertThatThrownBy(() -> new StopSequences(List.of("x", "")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("a stop string is empty");
  }
}
