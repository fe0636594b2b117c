package org.sinkstream.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.sinkstream.cli.Cli.assertRefused;

import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Files that every command reads like the model they are made of; whole ones, or none. */
final class ConvertCommandTest {
  @TempDir Path directory;
  private Path folder;
  private Path out;

  @BeforeEach
  void prepare() throws IOException {
    folder = Files.createDirectory(directory.resolve("out"));
    out = folder.resolve("model.gguf");
  }

  private List<Path> left() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  /** What the embedded model, or the file made of it, thinks of a text, input unrounded. */
  private static JsonNode score(String... arguments) {
    String[] exact = {"perplexity", "--activations", "f32", "--kv-type", "f32", "--json"};
    return Cli.run(Stream.of(exact, arguments).flatMap(Stream::of).toArray(String[]::new)).json();
  }

  @ParameterizedTest
  @CsvSource({
    "f32, 1e-6, f32",
    "f16, 1e-5, f16 f32",
    "bf16, 1e-6, bf16 f32",
    "q8_0, 0.005, f32 q8_0",
    "q4_0, 0.05, f32 q4_0 q6_k",
    "Q4_K_M, 0.03, f32 q4_k q6_k q8_0",
    "q5_k, 0.01, f32 q5_k q6_k q8_0",
    "q6_k, 0.01, f32 q6_k q8_0",
  })
  void readsBackAsTheModelItWas(String type, double tolerance, String types) throws IOException {
    Cli.Result result = Cli.run("convert", "--type", type, "--out", out.toString());
    assertThat(result.code()).as(result.err()).isZero();
    assertThat(result.out())
        .startsWith("%s: %d bytes; tensors: ".formatted(out, Files.size(out)))
        .hasLineCount(1);
    JsonNode info = Cli.run("info", "-m", out.toString(), "--json").json();
    assertThat(info.get("architecture").asString()).isEqualTo("llama");
    List<String> found = new ArrayList<>();
    info.get("weight_types").forEach(each -> found.add(each.asString()));
    assertThat(String.join(" ", found)).isEqualTo(types);

    int[] tokens = new Random(3).ints(60, 3, 4096).toArray();
    String ids = Cli.writeIds(directory.resolve("ids"), tokens).toString();
    double expected = score("--ids", ids).get("nll_mean").asDouble();
    assertThat(score("--ids", ids, "-m", out.toString()).get("nll_mean").asDouble())
        .isCloseTo(expected, within(tolerance * expected));
  }

  @Test
  void hasTheTokenizer() throws IOException {
    assertThat(Cli.run("convert", "--type", "f32", "--out", out.toString()).code()).isZero();
    Path text =
        Files.writeString(
            directory.resolve("text"),
            "It was a dark night,\n\n  and 1,234 caf\u00e9s\t\ud83d\ude00.");
    JsonNode expected = score("-f", text.toString());
    JsonNode found = score("-f", text.toString(), "-m", out.toString());
    assertThat(found.get("tokens")).isEqualTo(expected.get("tokens"));
    assertThat(found.get("nll_mean").asDouble())
        .isCloseTo(expected.get("nll_mean").asDouble(), within(1e-4));
    String[] generate = {
      "generate",
      "--prompt",
      "It was a dark night, and the captain",
      "--temperature",
      "0",
      "--max-tokens",
      "20",
      "--activations",
      "f32"
    };
    String[] fromFile =
        Stream.concat(Stream.of(generate), Stream.of("-m", out.toString())).toArray(String[]::new);
    assertThat(Cli.run(fromFile).out()).isNotBlank().isEqualTo(Cli.run(generate).out());
  }

  @Test
  void saysWhereATypeDoesNotFit() {
    Cli.Result result = Cli.run("convert", "--type", "q6_k", "--out", out.toString());
    assertThat(result.err())
        .isEqualTo(
            "warning: blk.0.ffn_down.weight and 5 more: rows of 704 values are no whole number of"
                + " blocks of 256: stored as q8_0\n");
  }

  @Test
  void saysWhereThereIsNoTokenizer() throws IOException {
    Path model = Files.createDirectory(directory.resolve("model"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Path file = Path.of("../../models/llama-mini", name);
      Files.copy(file, model.resolve(name));
    }
    Cli.Result result =
        Cli.run("convert", "-m", model.toString(), "--type", "bf16", "--out", out.toString());
    assertThat(result.err())
        .isEqualTo(
            "warning: %s: missing, so the file has no tokenizer\n"
                .formatted(model.resolve("tokenizer.json")));
    assertThat(Cli.run("generate", "--prompt", "x", "-m", out.toString()).err())
        .contains("no tokenizer, and text needs one");
  }

  @Test
  void theSameModelGivesTheSameFileInThePlaceOfAnOlderOne() throws IOException {
    Files.writeString(out, "old");
    Cli.run("convert", "--type", "q4_k", "--out", out.toString(), "--threads", "1");
    byte[] first = Files.readAllBytes(out);
    Cli.run("convert", "--type", "q4_k", "--out", out.toString(), "--threads", "3");
    assertThat(out).hasBinaryContent(first);
    assertThat(left()).containsExactly(out);
  }

  @Test
  void refusesWhatIsNone() throws IOException {
    String file = out.toString();
    assertRefused("--type", "convert", "--out", file);
    assertRefused("--out", "convert", "--type", "q8_0");
    assertRefused("'q3_k'; expected one of f32, f16,", "convert", "--type", "q3_k", "--out", file);
    assertRefused("a directory", "convert", "--type", "f16", "--out", folder.toString());
    String lost = folder.resolve("gone/model.gguf").toString();
    assertRefused("gone: no such file", "convert", "--type", "f16", "--out", lost);
    String none = folder.resolve("none").toString();
    assertRefused(
        none + ": no such file or directory",
        "convert",
        "-m",
        none,
        "--type",
        "f16",
        "--out",
        file);
    assertRefused(
        "config.json: no such file",
        "convert",
        "-m",
        folder.toString(),
        "--type",
        "f16",
        "--out",
        file);
    assertThat(left()).isEmpty();
    Files.writeString(out, "GGUF");
    assertRefused(
        "a file; expected a Hugging Face directory",
        "convert",
        "-m",
        file,
        "--type",
        "f16",
        "--out",
        file);
    assertThat(out).hasContent("GGUF");
  }

  /** A model of 800 million zeros in a file that takes no room. */
  private Path largeModel() throws IOException {
    Path model = Files.createDirectory(directory.resolve("large"));
    int vocabulary = 400_000;
    Files.writeString(
        model.resolve("config.json"),
        """
        {"model_type": "llama", "hidden_size": 1024, "intermediate_size": 256,
         "num_hidden_layers": 1, "num_attention_heads": 8, "max_position_embeddings": 64,
         "rms_norm_eps": 1e-5, "vocab_size": %d}
        """
            .formatted(vocabulary));
    String layer = "model.layers.0.";
    long[] end = {0};
    List<String> entries =
        Stream.of(
                entry(end, "model.embed_tokens", vocabulary, 1024),
                entry(end, "lm_head", vocabulary, 1024),
                entry(end, "model.norm", 1024),
                entry(end, layer + "input_layernorm", 1024),
                entry(end, layer + "post_attention_layernorm", 1024),
                entry(end, layer + "self_attn.q_proj", 1024, 1024),
                entry(end, layer + "self_attn.k_proj", 1024, 1024),
                entry(end, layer + "self_attn.v_proj", 1024, 1024),
                entry(end, layer + "self_attn.o_proj", 1024, 1024),
                entry(end, layer + "mlp.gate_proj", 256, 1024),
                entry(end, layer + "mlp.up_proj", 256, 1024),
                entry(end, layer + "mlp.down_proj", 1024, 256))
            .toList();
    byte[] header = ("{" + String.join(",", entries) + "}").getBytes(UTF_8);
    try (RandomAccessFile file =
        new RandomAccessFile(model.resolve("model.safetensors").toFile(), "rw")) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      file.write(length.putLong(header.length).array());
      file.write(header);
      file.setLength(Long.BYTES + header.length + end[0]);
    }
    return model;
  }

  private static String entry(long[] end, String name, long... shape) {
    long begin = end[0];
    end[0] += Short.BYTES * LongStream.of(shape).reduce(1, Math::multiplyExact);
    String dimensions = shape.length > 1 ? shape[0] + "," + shape[1] : Long.toString(shape[0]);
    return "\"%s.weight\":{\"dtype\":\"BF16\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
        .formatted(name, dimensions, begin, end[0]);
  }

  private Process start(String prefix, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("sh", "-c", prefix + "exec \"$@\"", "sh"));
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:-UsePerfData", "--enable-native-access=ALL-UNNAMED", "-cp"));
    command.add(classPath());
    command.add(Main.class.getName());
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectOutput(directory.resolve("stdout").toFile())
        .redirectError(directory.resolve("stderr").toFile())
        .start();
  }

  private static String classPath() {
    String modules = System.getProperty("jdk.module.path", "");
    return System.getProperty("java.class.path") + File.pathSeparator + modules;
  }

  @ParameterizedTest
  @CsvSource({"INT, 130", "TERM, 143"})
  void aSignalLeavesNothing(String signal, int code) throws Exception {
    Path model = largeModel();
    Files.writeString(out, "old");
    Process process =
        start("", "convert", "-m", model.toString(), "--type", "q4_k", "--out", out.toString());
    try {
      while (left().size() == 1 || Files.size(part()) < 1 << 20) {
        assertThat(process.isAlive()).as(Files.readString(directory.resolve("stderr"))).isTrue();
        Thread.sleep(10);
      }
      assumeFalse(signal.equals("INT") && ignoresInterrupts(process), "SIGINT is ignored here");
      new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      assertThat(process.exitValue()).isEqualTo(code);
    } finally {
      process.destroyForcibly();
    }
    assertThat(left()).containsExactly(out);
    assertThat(out).hasContent("old");
  }

  private Path part() throws IOException {
    return left().stream()
        .filter(path -> path.toString().endsWith(".part"))
        .findFirst()
        .orElseThrow();
  }

  /** A process that a shell starts in the background inherits that, and the JVM respects it. */
  private static boolean ignoresInterrupts(Process process) throws IOException {
    return Files.readAllLines(Path.of("/proc/%d/status".formatted(process.pid()))).stream()
        .filter(line -> line.startsWith("SigIgn:"))
        .anyMatch(line -> (Long.parseUnsignedLong(line.substring(7).strip(), 16) & 2) != 0);
  }

  /** A limit on the size of files fails a write in the middle, as a full disk does. */
  @Test
  void aWriteThatFailsLeavesNothing() throws Exception {
    Process process =
        start("ulimit -f 4096; ", "convert", "--type", "bf16", "--out", out.toString());
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    assertThat(Files.readString(directory.resolve("stderr")))
        .isEqualTo("error: %s: File too large\n".formatted(out));
    assertThat(process.exitValue()).isEqualTo(2);
    assertThat(left()).isEmpty();
  }
}
