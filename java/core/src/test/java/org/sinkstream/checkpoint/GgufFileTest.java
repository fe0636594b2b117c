package org.sinkstream.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sinkstream.kernels.ElementType;
import org.sinkstream.testing.GgufBuilder;
import org.sinkstream.testing.GgufBuilder.Bytes;

/** What must be accepted in a GGUF file. */
class GgufFileTest {
  @TempDir private Path folder;
  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void unmap() {
    arena.close();
  }

  private GgufFile open(byte[] bytes) {
    return GgufFile.open(SafetensorsFixture.write(folder, "model.gguf", bytes), arena);
  }

  @Test
  void nothingAtAll() {
    GgufFile file = open(Arrays.copyOf(new GgufBuilder().build(), 24));
    assertThat(file.metadata().keys()).isEmpty();
    assertThat(file.tensors()).isEmpty();
  }

  @Test
  void bothVersions() {
    byte[] bytes = new GgufBuilder().string("k", "v").build();
    for (byte version = 2; version <= 3; version++) {
      bytes[4] = version;
      assertThat(open(bytes).metadata().string("k")).isEqualTo("v");
    }
  }

  @Test
  void valuesOfEveryType() {
    GgufMetadata metadata =
        open(new GgufBuilder()
                .value("u8", 0, (byte) 200)
                .value("i8", 1, (byte) -56)
                .value("u16", 2, (byte) 0xfe, (byte) 0xff)
                .value("i16", 3, (byte) 0xfe, (byte) 0xff)
                .uint32("u32", -2)
                .value("i32", 5, new Bytes().int32(-2).toArray())
                .float32("f32", 1e-5)
                .bool("yes", true)
                .bool("no", false)
                .string("text", "ü😀")
                .string("empty", "")
                .value("u64", 10, new Bytes().int64(Long.MAX_VALUE).toArray())
                .value("i64", 11, new Bytes().int64(-2).toArray())
                .value("f64", 12, new Bytes().int64(Double.doubleToLongBits(0.1)).toArray())
                .strings("strings", "a", "", "ß")
                .floats("floats", 0.5f, Float.NEGATIVE_INFINITY)
                .ints("ints", 3, -3)
                .array("none", 8, 0)
                .build())
            .metadata();
    assertThat(metadata.keys()).startsWith("u8", "i8").endsWith("ints", "none").hasSize(18);
    assertThat(metadata.integer("u8")).isEqualTo(200);
    assertThat(metadata.integer("i8")).isEqualTo(-56);
    assertThat(metadata.integer("u16")).isEqualTo(65534);
    assertThat(metadata.integer("i16")).isEqualTo(-2);
    assertThat(metadata.integer("u32")).isEqualTo(4294967294L);
    assertThat(metadata.integer("i32")).isEqualTo(-2);
    assertThat(metadata.number("f32")).isEqualTo(1e-5);
    assertThat(metadata.bool("yes")).isTrue();
    assertThat(metadata.bool("no")).isFalse();
    assertThat(metadata.bool("absent", true)).isTrue();
    assertThat(metadata.string("text")).isEqualTo("ü😀");
    assertThat(metadata.string("empty")).isEmpty();
    assertThat(metadata.string("absent", "else")).isEqualTo("else");
    assertThat(metadata.integer("u64")).isEqualTo(Long.MAX_VALUE);
    assertThat(metadata.integer("i64")).isEqualTo(-2);
    assertThat(metadata.number("f64")).isEqualTo(0.1);
    assertThat(metadata.strings("strings")).containsExactly("a", "", "ß");
    assertThat(metadata.count("strings")).isEqualTo(3);
    assertThat(metadata.floats("floats")).containsExactly(0.5f, Float.NEGATIVE_INFINITY);
    assertThat(metadata.ints("ints")).containsExactly(3, -3);
    assertThat(metadata.strings("none")).isEmpty();
    assertThat(metadata.has("none")).isTrue();
    assertThat(metadata.has("absent")).isFalse();
  }

  @Test
  void tensorsWithTheirShapesOutermostFirst() {
    GgufFile file =
        open(
            new GgufBuilder()
                .tensor("scalar", new float[] {5})
                .tensor("matrix", new float[] {0, 1, 2, 3, 4, 5}, 3, 2)
                .tensor("cube", 24, new byte[] {1, 2, 3, 4, 5, 6, 7, 8}, 2, 1, 2, 2)
                .build());
    assertThat(file.tensors().keySet()).containsExactly("scalar", "matrix", "cube");
    assertThat(file.tensors().get("scalar").shape()).isEmpty();
    StoredTensor matrix = file.tensors().get("matrix");
    assertThat(matrix.shape()).containsExactly(2L, 3L);
    assertThat(matrix.data().toArray(GgufCursor.FLOAT)).containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(matrix.data().isReadOnly()).isTrue();
    StoredTensor cube = file.tensors().get("cube");
    assertThat(cube.shape()).containsExactly(2L, 2L, 1L, 2L);
    assertThat(cube.typeName()).isEqualTo("I8");
    assertThat(cube.type()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 64, 65536})
  void alignments(int alignment) {
    GgufFile file =
        open(
            new GgufBuilder()
                .alignment(alignment)
                .tensor("a", 24, new byte[] {1, 2, 3}, 3)
                .tensor("b", 24, new byte[] {4}, 1)
                .build());
    assertThat(
            file.tensors().get("b").data().getAtIndex(java.lang.foreign.ValueLayout.JAVA_BYTE, 0))
        .isEqualTo((byte) 4);
  }

  @Test
  void theLastTensorNeedsNoPadding() {
    byte[] padded = new GgufBuilder().tensor("a", 24, new byte[] {1, 2, 3}, 3).build();
    GgufFile file = open(Arrays.copyOf(padded, padded.length - 29));
    assertThat(file.tensors().get("a").data().byteSize()).isEqualTo(3);
  }

  @ParameterizedTest
  @EnumSource
  void everyType(GgmlType type) {
    byte[] data = new byte[2 * type.blockBytes()];
    StoredTensor tensor =
        open(new GgufBuilder().tensor("a", type.number(), data, type.blockValues(), 2).build())
            .tensors()
            .get("a");
    assertThat(tensor.typeName()).isEqualTo(type.name());
    assertThat(tensor.data().byteSize()).isEqualTo(data.length);
  }

  @ParameterizedTest
  @EnumSource
  void everyTypeOfTheKernels(ElementType type) {
    assertThat(GgmlType.of(type).elementType()).contains(type);
  }
}
