package org.sinkstream.kernels;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sinkstream.kernels.ffi.Sinkstream;

/**
 * The committed bindings are those of the headers, both ways, and the library has every symbol.
 * Needs no jextract: cmake/generate-bindings.sh is what to run when this fails.
 */
final class BindingsTest {
  private static final String DESCRIPTOR = "$descriptor";

  @BeforeAll
  static void load() {
    NativeLibrary.load();
  }

  @Test
  void equalTheHeaders() throws Exception {
    CHeaders headers = CHeaders.parse(CHeaders.text());
    assertThat(headers.functions()).containsKey("sks_version");
    assertThat(headers.constants()).containsKey("SKS_OK");
    assertThat(headers.structs()).containsKey("sks_cache_spec");
    assertThat(differences(headers)).isEmpty();
  }

  /** Each change of the headers shows, under the name of what changed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          int32_t sks_device_threads(           | int64_t sks_device_threads(              | sks_device_threads
          sks_cache_drop_last(sks_cache *cache, int64_t count) | sks_cache_drop_last(sks_cache *cache, int32_t count) | sks_cache_drop_last
          sks_cache_drop_last(sks_cache *cache, int64_t count) | sks_cache_drop_last(sks_cache *cache) | sks_cache_drop_last
          SKS_API const char *sks_version(void) | SKS_API const char *sks_build(void)      | sks_build
          SKS_API const char *sks_version(void) | SKS_API const char *sks_build(void)      | sks_version
          SKS_BF16 = 2                          | SKS_BF16 = 7                             | SKS_BF16
          SKS_F16 = 1,                          | SKS_F16 = 1, SKS_F8 = 8,                 | SKS_F8
          SKS_F16 = 1,                          | ' '                                      | SKS_F16
          int64_t window;                       | int32_t window;                          | sks_cache_spec
          int64_t window;                       | int64_t width;                           | sks_cache_spec
          int64_t window;                       | ' '                                      | sks_cache_spec
          typedef struct sks_cache_spec {       | struct sks_new; typedef struct sks_cache_spec { | struct sks_new
          """)
  void differFromChangedHeaders(String from, String to, String named) throws Exception {
    String text = CHeaders.text();
    assertThat(text).contains(from);
    String changed = text.replace(from, to);
    if (changed.contains("struct sks_new;")) {
      assertThatThrownBy(() -> CHeaders.parse(changed)).hasMessageContaining(named);
    } else {
      assertThat(differences(CHeaders.parse(changed)))
          .anySatisfy(difference -> assertThat(difference).startsWith(named + ":"));
    }
  }

  @Test
  void differFromHeadersWithoutAStruct() throws Exception {
    CHeaders headers = CHeaders.parse(CHeaders.text());
    headers.structs().remove("sks_cache_spec");
    assertThat(differences(headers)).anyMatch(line -> line.startsWith("sks_cache_spec:"));
  }

  private static List<String> differences(CHeaders headers) throws Exception {
    List<String> differences = new ArrayList<>();
    compare(headers.functions(), boundFunctions(), differences);
    compare(headers.constants(), boundConstants(), differences);
    Map<String, String> declared = new TreeMap<>();
    headers.structs().forEach((name, fields) -> declared.put(name, naturalLayout(fields)));
    compare(declared, boundStructs(), differences);
    return differences;
  }

  private static <T> void compare(
      Map<String, T> declared, Map<String, T> bound, List<String> differences) {
    TreeSet<String> names = new TreeSet<>(declared.keySet());
    names.addAll(bound.keySet());
    for (String name : names) {
      if (!Objects.equals(declared.get(name), bound.get(name))) {
        differences.add(
            "%s: declared %s, bound %s".formatted(name, declared.get(name), bound.get(name)));
      }
    }
  }

  private static Map<String, MethodType> boundFunctions() throws ReflectiveOperationException {
    Map<String, MethodType> functions = new TreeMap<>();
    for (Method method : Sinkstream.class.getMethods()) {
      if (method.getName().endsWith(DESCRIPTOR)) {
        FunctionDescriptor descriptor = (FunctionDescriptor) method.invoke(null);
        functions.put(method.getName().replace(DESCRIPTOR, ""), descriptor.toMethodType());
      }
    }
    return functions;
  }

  private static Map<String, Integer> boundConstants() throws ReflectiveOperationException {
    Map<String, Integer> constants = new TreeMap<>();
    for (Method method : Sinkstream.class.getMethods()) {
      if (method.getName().startsWith("SKS_")) {
        constants.put(method.getName(), (Integer) method.invoke(null));
      }
    }
    return constants;
  }

  private static Map<String, String> boundStructs() throws Exception {
    Map<String, String> structs = new TreeMap<>();
    URI classes = Sinkstream.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path folder = Path.of(classes).resolve(Sinkstream.class.getPackageName().replace('.', '/'));
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString().replace(".class", "");
        if (!name.contains("$") && !name.equals(Sinkstream.class.getSimpleName())) {
          Class<?> binding = Class.forName(Sinkstream.class.getPackageName() + "." + name);
          structs.put(name, describe((StructLayout) binding.getMethod("layout").invoke(null)));
        }
      }
    }
    return structs;
  }

  private static String describe(StructLayout layout) {
    StringBuilder text = new StringBuilder();
    for (MemoryLayout member : layout.memberLayouts()) {
      if (member instanceof ValueLayout value) {
        String name = member.name().orElseThrow();
        text.append(describe(name, value, layout.byteOffset(groupElement(name))));
      }
    }
    return text.append(layout.byteSize()).append(" bytes").toString();
  }

  /**
   * C's layout on the platforms there are: each field aligned to its size, the struct to its
   * largest.
   */
  private static String naturalLayout(List<CHeaders.Field> fields) {
    StringBuilder text = new StringBuilder();
    long end = 0;
    long alignment = 1;
    for (CHeaders.Field field : fields) {
      long size = field.layout().byteSize();
      long offset = Math.ceilDiv(end, size) * size;
      text.append(describe(field.name(), field.layout(), offset));
      end = offset + size;
      alignment = Math.max(alignment, size);
    }
    return text.append(Math.ceilDiv(end, alignment) * alignment).append(" bytes").toString();
  }

  private static String describe(String name, ValueLayout layout, long offset) {
    return "%s %s at %d, ".formatted(layout.carrier().getSimpleName(), name, offset);
  }
}
