package org.sinkstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.sinkstream.GpuInfo;
import tools.jackson.databind.JsonNode;

final class InfoCommandTest {
  @Test
  void jsonDescribesTheEmbeddedModel() {
    JsonNode json = Cli.run("info", "--json", "--cache", "4+28").json();
    assertThat(json.get("architecture").asString()).isEqualTo("llama");
    assertThat(json.get("layers").asInt()).isEqualTo(6);
    assertThat(json.get("hidden").asInt()).isEqualTo(256);
    assertThat(json.get("heads").asInt()).isEqualTo(4);
    assertThat(json.get("kv_heads").asInt()).isEqualTo(2);
    assertThat(json.get("head_dim").asInt()).isEqualTo(64);
    assertThat(json.get("vocabulary").asInt()).isEqualTo(4096);
    assertThat(json.get("trained_context").asInt()).isEqualTo(1024);
    assertThat(json.get("sink_logits").asBoolean()).isFalse();
    assertThat(json.get("sink_token").isNull()).isTrue();
    assertThat(json.get("parameters").asLong()).isEqualTo(6524160);
    assertThat(json.get("weight_types").get(0).asString()).isEqualTo("bf16");
    assertThat(json.get("weight_bytes").asLong()).isEqualTo(2 * 6524160);
    assertThat(json.get("cache").asString()).isEqualTo("4+28");
    assertThat(json.get("device").asString()).isEqualTo("cpu");
    assertThat(json.get("kernels").asString()).isNotEmpty();
    assertThat(json.get("native_version").asString()).matches("\\d+\\.\\d+\\.\\d+");
    assertThat(Path.of(json.get("native_library").asString())).isAbsolute();
  }

  @Test
  void cacheBytesAreThoseOfASession() {
    JsonNode info = Cli.run("info", "--json", "--cache", "4+28", "--kv-type", "f32").json();
    JsonNode run =
        Cli.run(
                "generate",
                "--prompt",
                "a",
                "--max-tokens",
                "1",
                "--json",
                "--cache",
                "4+28",
                "--kv-type",
                "f32")
            .json();
    assertThat(info.get("cache_bytes")).isEqualTo(run.get("cache_bytes"));
  }

  @Test
  void theTableSaysTheSame() {
    assertThat(Cli.run("info", "--sink-token", "3").out())
        .contains("architecture     llama\n")
        .contains("sinks            no sink logits, sink token 3\n")
        .contains("6 layers, hidden 256, 4 heads, 2 key-value heads, head_dim 64")
        .contains("cache            4+1019 in f16, ");
  }

  @Test
  void whyThereIsNoGpuIsSaidInOneLineAndIsTheReasonThatDeviceCudaEndsWith() {
    String line =
        Cli.run("info")
            .out()
            .lines()
            .filter(each -> each.startsWith("cuda "))
            .findFirst()
            .orElseThrow();
    GpuInfo gpu = GpuInfo.find();
    assumeTrue(gpu.absence().isPresent(), "there is a GPU");
    String why = gpu.absence().orElseThrow();
    assertThat(line).isEqualTo("cuda             none: " + why);
    Cli.Result refused = Cli.run("info", "--device", "cuda");
    assertThat(refused.code()).isEqualTo(2);
    assertThat(refused.err()).isEqualTo("error: " + why + "\n");
    assertThat(Cli.run("info", "--json").json().get("cuda").get("reason").asString())
        .isEqualTo(why);
  }

  @Test
  void theVersionIsTheBuilds() {
    assertThat(Cli.run("--version").out()).matches("sinkstream \\d+\\.\\d+\\.\\d+(-SNAPSHOT)?\n");
    assertThat(Cli.run("info", "--version").out()).isEqualTo(Cli.run("--version").out());
  }

  @Test
  void helpGoesToStandardOutput() {
    Cli.Result help = Cli.run("--help");
    assertThat(help.code()).isZero();
    assertThat(help.err()).isEmpty();
    assertThat(help.out()).contains("demo", "generate", "chat", "perplexity", "logits", "info");
  }
}
