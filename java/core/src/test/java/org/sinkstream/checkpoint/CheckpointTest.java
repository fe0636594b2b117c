package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.sinkstream.checkpoint.SafetensorsFixture.bytes;
import static org.sinkstream.checkpoint.SafetensorsFixture.entry;
import static org.sinkstream.checkpoint.SafetensorsFixture.vectors;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.error.CheckpointException;
import org.sinkstream.kernels.ElementType;

class CheckpointTest {
  private static final String INDEX = "model.safetensors.index.json";

  @TempDir private Path folder;
  private final Arena arena = Arena.ofConfined();

  @BeforeEach
  void writeConfig() {
    write("config.json", "{\"eos_token_id\":[2,7]}");
  }

  @AfterEach
  void unmap() {
    arena.close();
  }

  private void write(String name, String text) {
    SafetensorsFixture.write(folder, name, text.getBytes(StandardCharsets.UTF_8));
  }

  private void write(String name, byte[] bytes) {
    SafetensorsFixture.write(folder, name, bytes);
  }

  private Checkpoint open() {
    return Checkpoint.open(folder, arena);
  }

  private void refused(Path directory, String... messageParts) {
    assertThatThrownBy(() -> Checkpoint.open(directory, arena))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.toString())
        .message()
        .contains(messageParts)
        .hasLineCount(1);
  }

  /** An index over the shards {@code one.safetensors} (a, b) and {@code two.safetensors} (c). */
  private void shards(String weightMap) {
    write("one.safetensors", vectors(2, "a", "b"));
    write("two.safetensors", vectors(3, "c"));
    write(INDEX, "{\"metadata\":{\"total_size\":28},\"weight_map\":{%s}}".formatted(weightMap));
  }

  private static String in(String tensor, String shard) {
    return "\"%s\":\"%s.safetensors\"".formatted(tensor, shard);
  }

  @Test
  void directoriesThatAreNone() {
    String expected =
        "; expected a Hugging Face directory with config.json and safetensors, or a GGUF file";
    refused(folder.resolve("absent"), "no such file or directory" + expected);
    refused(folder.resolve("config.json"), "no model" + expected);
  }

  @Test
  void noConfig(@TempDir Path empty) {
    refused(empty, "config.json: no such file");
  }

  @Test
  void noWeights() {
    refused(folder, "neither model.safetensors nor", "there are no weights");
    write("pytorch_model.bin", "");
    refused(
        folder, "neither model.safetensors nor", "found pytorch_model.bin", "not read: convert");
  }

  @Test
  void damagedConfigs() {
    write("model.safetensors", vectors(1, "a"));
    for (String bad : List.of("", "{", "[]", "{} {}", "{\"a\":1,\"\\u0061\":2}", "{\"a\":NaN}")) {
      write("config.json", bad);
      refused(folder, "config.json: ");
    }
    write("config.json", "{}");
    write("generation_config.json", "{\"eos_token_id\":-1}");
    refused(folder, "generation_config.json: eos_token_id is -1; expected a token id or a list");
  }

  @Test
  void weightsOfOneFile() {
    write("model.safetensors", vectors(2, "a", "b"));
    Checkpoint checkpoint = open();
    assertThat(checkpoint.has("a")).isTrue();
    assertThat(checkpoint.has("c")).isFalse();
    TensorView b = checkpoint.tensor("b", 2);
    assertThat(b.name()).isEqualTo("b");
    assertThat(b.type()).isEqualTo(ElementType.F32);
    assertThat(b.shape()).containsExactly(2L);
    assertThat(b.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)).containsExactly(2, 3);
    assertThat(checkpoint.parameters()).isEqualTo(2);
    assertThat(checkpoint.weightBytes()).isEqualTo(8);
    assertThat(checkpoint.weightTypes()).containsExactly("f32");
  }

  @Test
  void tensorsAbsentOrOfAnotherShapeOrType() {
    write(
        "model.safetensors",
        bytes(
            "{" + entry("a", "F32", "[1,2]", 0, 8) + "," + entry("i", "I64", "[1]", 8, 16) + "}",
            new byte[16]));
    Checkpoint checkpoint = open();
    assertThatThrownBy(() -> checkpoint.tensor("b", 3, 4))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(folder + ": tensor \"b\" is missing; expected one of shape [3, 4]");
    assertThatThrownBy(() -> checkpoint.tensor("a", 2, 1))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(folder + ": tensor \"a\" has shape [1, 2]; expected [2, 1]");
    assertThatThrownBy(() -> checkpoint.tensor("a", 2))
        .hasMessage(folder + ": tensor \"a\" has shape [1, 2]; expected [2]");
    assertThatThrownBy(() -> checkpoint.tensor("i", 1))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            folder
                + ": tensor \"i\" has type I64; expected one of "
                + Arrays.toString(ElementType.values()));
    assertThat(checkpoint.parameters()).isZero();
  }

  @Test
  void shardsAreOneCheckpoint() {
    shards(in("a", "one") + "," + in("b", "one") + "," + in("c", "two"));
    Checkpoint checkpoint = open();
    assertThat(checkpoint.tensor("c", 3).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
        .containsExactly(0, 1, 2);
    assertThat(checkpoint.tensor("a", 2).data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
        .containsExactly(0, 1);
  }

  @Test
  void shardsWithoutMetadata() {
    shards("");
    write(INDEX, "{\"weight_map\":{%s}}".formatted(in("c", "two")));
    assertThat(open().has("c")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../two.safetensors",
        "/two.safetensors",
        "sub/two.safetensors",
        "..",
        "",
        "two",
        "C:two.safetensors",
        "..\\\\two.safetensors",
        "two.safetensors\\u0000.safetensors"
      })
  void shardNamesThatLeaveTheDirectory(String shard) {
    shards("\"c\":\"" + shard + "\"");
    refused(folder, INDEX + ": tensor \"c\" is in shard \"" + shard, "expected the name of");
  }

  @Test
  void tensorInTwoShards() {
    shards(in("a", "one") + "," + in("b", "one") + "," + in("c", "two"));
    write("two.safetensors", vectors(3, "c", "a"));
    refused(folder, "tensor \"a\" is in two.safetensors, and the index says one.safetensors");
  }

  @Test
  void tensorInAnotherShardThanTheIndexSays() {
    shards(in("a", "two") + "," + in("b", "one") + "," + in("c", "two"));
    refused(folder, "tensor \"a\" is in one.safetensors, and the index says two.safetensors");
  }

  @Test
  void tensorInNoShard() {
    shards(in("a", "one") + "," + in("b", "one") + "," + in("c", "two") + "," + in("d", "two"));
    refused(folder, "tensor \"d\" is not in two.safetensors, which the index names");
  }

  @Test
  void tensorThatTheIndexDoesNotName() {
    shards(in("a", "one") + "," + in("c", "two"));
    refused(folder, "tensor \"b\" is in one.safetensors, and the index does not name it");
  }

  @Test
  void missingShard() {
    shards(in("a", "three"));
    refused(folder, "three.safetensors: no such file");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"weight_map\":[]}",
        "{\"weight_map\":null}",
        "{\"weight_map\":{},\"x\":1}"
      })
  void indexesThatAreNone(String index) {
    write(INDEX, index);
    refused(folder, INDEX + ": ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "null", "[\"one.safetensors\"]", "{}"})
  void shardsThatAreNoNames(String value) {
    write(INDEX, "{\"weight_map\":{\"a\":%s}}".formatted(value));
    refused(folder, INDEX + ": tensor \"a\" is in shard ");
  }

  @Test
  void endOfText() {
    write("model.safetensors", vectors(1, "a"));
    assertThat(open().endOfText()).containsExactlyInAnyOrder(2, 7);
    write("generation_config.json", "{\"bos_token_id\":1}");
    assertThat(open().endOfText()).containsExactlyInAnyOrder(2, 7);
    write("generation_config.json", "{\"eos_token_id\":9}");
    assertThat(open().endOfText()).containsExactly(9);
    write("generation_config.json", "{}");
    write("config.json", "{\"eos_token_id\":null}");
    assertThat(open().endOfText()).isEmpty();
  }

  @Test
  void tensorsThatNobodyTook() {
    write(
        "model.safetensors",
        vectors(
            1,
            "taken",
            "left",
            "also.left",
            "model.layers.0.self_attn.rotary_emb.inv_freq",
            "gpt_neox.layers.0.attention.bias",
            "gpt_neox.layers.0.attention.masked_bias",
            "gpt_neox.layers.0.attention.rotary_emb.inv_freq",
            "transformer.h.0.attn.bias",
            "transformer.h.0.attn.masked_bias"));
    Checkpoint checkpoint = open();
    checkpoint.tensor("taken", 1);
    assertThat(checkpoint.unused()).containsExactly("also.left", "left");
    checkpoint.warnAboutUnused();
    checkpoint.tensor("left", 1);
    checkpoint.tensor("also.left", 1);
    assertThat(checkpoint.unused()).isEmpty();
  }

  @Test
  void fingerprintsTellModelsApart() {
    byte[] file = vectors(1000, "a");
    write("model.safetensors", file);
    String original = fingerprint();
    assertThat(original).matches("[0-9a-f]{64}").isEqualTo(fingerprint());
    file[file.length - 1] ^= 1;
    write("model.safetensors", file);
    assertThat(fingerprint()).isNotEqualTo(original);
    file[file.length - 1] ^= 1;
    write("model.safetensors", file);
    assertThat(fingerprint()).isEqualTo(original);
    write("config.json", "{\"eos_token_id\":3}");
    assertThat(fingerprint()).isNotEqualTo(original);
  }

  private String fingerprint() {
    Checkpoint checkpoint = open();
    checkpoint.tensor("a", 1000);
    return checkpoint.fingerprint();
  }
}
