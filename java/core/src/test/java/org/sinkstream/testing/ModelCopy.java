package org.sinkstream.testing;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;

/** Copies of Hugging Face model directories, with something added. */
public final class ModelCopy {
  private ModelCopy() {}

  /**
   * Copies config, weights and tokenizer.
   *
   * @param fields JSON fields that the config begins with, such as {@code "a": 1}, or nothing
   * @param vectors float32 vectors that come behind the other tensors
   * @return the new directory
   */
  public static Path of(Path model, Path target, String fields, Map<String, float[]> vectors)
      throws IOException {
    Files.createDirectories(target);
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".json")).toList()) {
        Files.write(target.resolve(file.getFileName()), Files.readAllBytes(file));
      }
    }
    String config = Files.readString(model.resolve("config.json"));
    String more = fields.isEmpty() ? "" : fields + ",";
    Files.writeString(target.resolve("config.json"), config.replaceFirst("\\{", "{" + more));
    byte[] weights = Files.readAllBytes(model.resolve("model.safetensors"));
    Files.write(target.resolve("model.safetensors"), with(weights, vectors));
    return target;
  }

  private static byte[] with(byte[] weights, Map<String, float[]> vectors) {
    ByteBuffer in = ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[Math.toIntExact(in.getLong())];
    in.get(header);
    int end = in.remaining();
    StringBuilder json = new StringBuilder(new String(header, StandardCharsets.UTF_8).strip());
    json.setLength(json.length() - 1);
    for (Map.Entry<String, float[]> vector : vectors.entrySet()) {
      int length = vector.getValue().length;
      json.append(
          ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[%d,%d]}"
              .formatted(vector.getKey(), length, end, end + length * Float.BYTES));
      end += length * Float.BYTES;
    }
    byte[] longer = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
    ByteBuffer out =
        ByteBuffer.allocate(Long.BYTES + longer.length + end).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(longer.length).put(longer).put(in);
    vectors
        .values()
        .forEach(vector -> {
          for (float value : vector) {
            out.putFloat(value);
          }
        });
    return out.array();
  }
}
