package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.sinkstream.checkpoint.SafetensorsFixture.bytes;
import static org.sinkstream.checkpoint.SafetensorsFixture.entry;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sinkstream.testing.SharedData;

/** What must be accepted. */
class SafetensorsFileTest {
  private static final ValueLayout.OfFloat LITTLE_FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  @TempDir private Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void unmap() {
    arena.close();
  }

  private Map<String, StoredTensor> open(byte[] bytes) {
    Path file = SafetensorsFixture.write(folder, "model.safetensors", bytes);
    return SafetensorsFile.open(file, arena).tensors();
  }

  private static StoredTensor get(Map<String, StoredTensor> tensors, String name) {
    return Objects.requireNonNull(tensors.get(name), name);
  }

  @Test
  void tensorsInTheOrderOfTheirDataWhateverTheOrderOfTheHeader() {
    String header = "{" + entry("b", "U8", "[2]", 3, 5) + "," + entry("a", "U8", "[3]", 0, 3) + "}";
    Map<String, StoredTensor> tensors = open(bytes(header, new byte[] {1, 2, 3, 4, 5}));
    assertThat(tensors.keySet()).containsExactly("a", "b");
    assertThat(get(tensors, "a").data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(1, 2, 3);
    assertThat(get(tensors, "b").data().toArray(ValueLayout.JAVA_BYTE)).containsExactly(4, 5);
    assertThat(get(tensors, "b").shape()).containsExactly(2L);
    assertThat(get(tensors, "b").typeName()).isEqualTo("U8");
    assertThat(get(tensors, "b").data().isReadOnly()).isTrue();
  }

  @Test
  void noTensorsAtAll() {
    assertThat(open(bytes("{}"))).isEmpty();
  }

  @Test
  void metadataAndTrailingSpaces() {
    String header =
        "{\"__metadata__\":{\"format\":\"pt\",\"\":\"\"}," + entry("a", "U8", "[1]", 0, 1);
    assertThat(open(bytes(header + "}     ", (byte) 7))).containsOnlyKeys("a");
  }

  @Test
  void zeroDimensionAndRankZero() {
    String header =
        "{"
            + entry("none", "F32", "[0,9223372036854775807]", 0, 0)
            + ","
            + entry("scalar", "F32", "[]", 0, 4)
            + ","
            + entry("none at the end", "I64", "[5,0]", 4, 4)
            + "}";
    Map<String, StoredTensor> tensors = open(bytes(header, new byte[] {0, 0, (byte) 0xc0, 0x7f}));
    assertThat(get(tensors, "none").data().byteSize()).isZero();
    assertThat(get(tensors, "none at the end").data().byteSize()).isZero();
    assertThat(get(tensors, "scalar").shape()).isEmpty();
    assertThat(get(tensors, "scalar").data().get(LITTLE_FLOAT, 0)).isNaN();
  }

  @Test
  void unalignedData() {
    String header = "{" + entry("odd", "U8", "[1]", 0, 1) + "," + entry("a", "F32", "[1]", 1, 5);
    byte[] data = {9, 0, 0, (byte) 0x80, 0x3f};
    for (String padding : List.of("", " ", "  ", "   ")) {
      Map<String, StoredTensor> tensors = open(bytes(header + "}" + padding, data));
      assertThat(get(tensors, "a").data().get(LITTLE_FLOAT, 0)).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyType(StoredType type) {
    byte[] data = new byte[type.bits()]; // 8 elements
    Map<String, StoredTensor> tensors =
        open(bytes("{" + entry("a", type.name(), "[2,4]", 0, data.length) + "}", data));
    assertThat(get(tensors, "a").typeName()).isEqualTo(type.name());
    assertThat(get(tensors, "a").data().byteSize()).isEqualTo(data.length);
  }

  @Test
  void unicodeNames() {
    assertThat(open(bytes("{" + entry("ü\\u0416\\ud83d\\ude00", "U8", "[0]", 0, 0) + "}")))
        .containsOnlyKeys("üЖ😀");
  }

  @Test
  void theEmbeddedModel() {
    Path file = SharedData.project("models/llama-mini/model.safetensors");
    Map<String, StoredTensor> tensors = SafetensorsFile.open(file, arena).tensors();
    assertThat(get(tensors, "model.embed_tokens.weight").shape()).containsExactly(4096L, 256L);
    assertThat(tensors.values()).allMatch(tensor -> tensor.typeName().equals("BF16"));
  }
}
