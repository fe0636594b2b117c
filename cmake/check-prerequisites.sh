#!/bin/sh
# Says what to install, all at once, before a compiler or Maven fails for the lack of it. Argument: `maven` to ask for that as
# well.
cd "$(dirname "$0")/.." || exit
cmake_required=3.22
missing=

need() {
  missing="$missing
  - $1"
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
  major=${found%%.*}
  minor=${found#*.}
  minor=${minor%%.*}
  if [ "${major:-0}" -lt 3 ] || { [ "$major" -eq 3 ] && [ "${minor:-0}" -lt "${cmake_required#3.}" ]; }; then
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

if [ -n "$missing" ]; then
  echo "Building Sinkstream needs:$missing" >&2
  exit 1
fi
