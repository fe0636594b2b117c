package org.sinkstream.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.sinkstream.kernels.ElementType;

/**
 * The published way, which rotates the whole key cache at every token ({@code
 * csrc/bench/support/rotate_everything.h}). Its library is the file that the system property {@code
 * sinkstream.bench.library} names, or else the release build's under the working directory. Used by
 * one thread at a time.
 */
final class RotateEverything implements AutoCloseable {
  private static final Set<ElementType> TYPES =
      EnumSet.of(ElementType.F32, ElementType.F16, ElementType.BF16);
  private static final String PROPERTY = "sinkstream.bench.library";
  private static final String RELEASE_BUILD = "build/release/csrc/bench/";

  private final Arena arena = Arena.ofConfined();
  private final MethodHandle step;
  private final MethodHandle destroy;
  private final MemorySegment handle;
  private final int layers;
  private int layer;

  /**
   * Makes a cache of zeros.
   *
   * @param threads 0 for the cores this process may use
   * @param type F32, F16 or BF16
   * @throws IllegalStateException if the library is not there or memory is short
   */
  RotateEverything(
      int threads, int layers, Heads heads, long sinks, long window, ElementType type) {
    if (!TYPES.contains(type)) {
      throw new IllegalArgumentException(
          "rotate-everything cache of type %s; expected one of %s".formatted(type, TYPES));
    }
    this.layers = layers;
    SymbolLookup library = SymbolLookup.libraryLookup(library(), arena);
    MethodHandle create =
        function(
            library,
            "rotate_everything_create",
            FunctionDescriptor.of(
                ADDRESS, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG,
                JAVA_INT));
    step =
        function(
            library,
            "rotate_everything_step",
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
    destroy = function(library, "rotate_everything_destroy", FunctionDescriptor.ofVoid(ADDRESS));
    try {
      handle =
          (MemorySegment)
              create.invokeExact(
                  threads,
                  layers,
                  heads.heads,
                  heads.kvHeads,
                  heads.headDim,
                  sinks,
                  window,
                  type.code());
    } catch (Throwable failure) {
      throw new IllegalStateException("rotate_everything_create", failure);
    }
    if (handle.equals(MemorySegment.NULL)) {
      throw new IllegalStateException(
          "rotate-everything cache of %d layers of %s, %d + %d tokens: out of memory"
              .formatted(layers, heads, sinks, window));
    }
  }

  /**
   * One token in the next layer: queries, keys and values of all heads in turn; out [heads *
   * headDim].
   */
  void nextLayer(
      MemorySegment queries, MemorySegment keys, MemorySegment values, MemorySegment out) {
    try {
      step.invokeExact(handle, layer, queries, keys, values, out);
      layer = (layer + 1) % layers;
    } catch (Throwable failure) {
      throw new IllegalStateException("rotate_everything_step", failure);
    }
  }

  @Override
  public void close() {
    try {
      destroy.invokeExact(handle);
    } catch (Throwable failure) {
      throw new IllegalStateException("rotate_everything_destroy", failure);
    }
    arena.close();
  }

  private static Path library() {
    Path path =
        Path.of(
                System.getProperty(
                    PROPERTY, RELEASE_BUILD + System.mapLibraryName("sinkstream_bench")))
            .toAbsolutePath();
    if (!Files.isRegularFile(path)) {
      throw new IllegalStateException(
          "%s: no such file; expected the library that `cmake --build --preset release` makes, or -D%s=FILE"
              .formatted(path, PROPERTY));
    }
    return path;
  }

  private static MethodHandle function(
      SymbolLookup library, String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
  }
}
