#!/bin/sh
# Says what to install, all at once, before a compiler or Maven fails for the lack of it. Argument: `maven` to ask for that as
# well. Says also why there will be no back end for GPUs where a CUDA compiler is too old, which is no failure.
cd "$(dirname "$0")/.." || exit
cmake_required=3.22
cuda_required=$(sed -n 's/^set(cuda_required \([0-9.]*\)).*/\1/p' cmake/Cuda.cmake)
missing=

need() {
  missing="$missing
  - $1"
}

# Whether version $1 is older than $2, by their first two numbers.
is_older() {
  minor=${1#*.}
  minor=${minor%%.*}
  [ "${1%%.*}" -lt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "$minor" -lt "${2#*.}" ]; }
}

compiler=${CC:-cc}
if ! command -v "$compiler" >/dev/null; then
  need "a C compiler ($compiler is not on the PATH). Install gcc or clang, e.g. apt install gcc libc6-dev"
elif ! echo '#include <stdint.h>' | "$compiler" -x c -fsyntax-only - 2>/dev/null; then
  need "the C library's headers ($compiler cannot compile #include <stdint.h>). Install them, e.g. apt install libc6-dev"
fi

if ! command -v cmake >/dev/null; then
  need "CMake $cmake_required or newer (cmake is not on the PATH). Install it, e.g. apt install cmake"
else
  found=$(cmake --version)
  found=${found#cmake version }
  found=${found%%[!0-9.]*}
  if is_older "${found:-0.0}" "$cmake_required"; then
    need "CMake $cmake_required or newer (cmake on the PATH is $found). Install it from your distribution's backports or https://cmake.org/download"
  fi
fi

if ! command -v ninja >/dev/null && ! command -v make >/dev/null; then
  need "Ninja or Make (neither ninja nor make is on the PATH). Install one, e.g. apt install make"
fi

if ! jdk=$(sh cmake/find-jdk.sh 2>&1); then
  need "$jdk"
elif [ -n "$JAVA_HOME" ] && [ "$jdk" != "$JAVA_HOME" ] && [ "${jdk#/usr/lib/jvm/}" = "$jdk" ]; then
  need "JAVA_HOME to be $jdk or not set: it is $JAVA_HOME, and Maven follows it before the PATH"
fi

if [ "$1" = maven ] && ! command -v mvn >/dev/null; then
  need "Maven 3.8 or newer (mvn is not on the PATH). Install it, e.g. apt install maven"
fi

if found=$("${CUDACXX:-nvcc}" --version 2>/dev/null | sed -n 's/.* release \([0-9.]*\).*/\1/p') && [ -n "$found" ] &&
  is_older "$found" "$cuda_required"; then
  echo "no back end for NVIDIA GPUs is built: ${CUDACXX:-nvcc} is of CUDA $found; expected $cuda_required or newer" >&2
fi

if [ -n "$missing" ]; then
  echo "Building Sinkstream needs:$missing" >&2
  exit 1
fi
