package org.sinkstream.readme;

// tag::example[]
import java.nio.file.Path;
import org.sinkstream.CachePolicy;
import org.sinkstream.GenerationOptions;
import org.sinkstream.Model;
import org.sinkstream.Session;
import org.sinkstream.Token;

class Example {
  public static void main(String[] args) {
    try (Model model = Model.open(Path.of(args[0])); // a Hugging Face directory or a GGUF file
        Session session = model.newSession(CachePolicy.parse("4+508"))) {
      session.append("It was a dark night, and the captain");
      for (Token token : session.generate(GenerationOptions.of(3000, 42).withoutEnd())) {
        System.out.print(token.text());
      }
      System.out.printf("%n%d tokens, %d bytes%n", session.position(), session.cacheBytes());
    }
  }
}
// end::example[]
