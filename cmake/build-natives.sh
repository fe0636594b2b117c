#!/bin/sh
# Builds the natives of the release preset. Arguments: `install DIRECTORY CUDA_DIRECTORY` for the library, put where the jar
# packs it, and for the back end for NVIDIA GPUs, where there is a CUDA compiler, put where its own jar packs it; `test` for
# all of it, then ctest.
set -e
cd "$(dirname "$0")/.."
root=$(pwd)
build=build/release
cache=$build/CMakeCache.txt

cached() {
  sed -n "s/^$1:[A-Z]*=//p" "$cache"
}

# A build folder made in another place or with a tool that has gone is of no use.
if [ -f "$cache" ]; then
  nvcc=$(cached CMAKE_CUDA_COMPILER) # a path where there was one
  if [ "$(cached CMAKE_HOME_DIRECTORY)" != "$root" ] || [ ! -x "$(cached CMAKE_MAKE_PROGRAM)" ] ||
    [ ! -x "$(cached CMAKE_C_COMPILER)" ] || { [ "${nvcc#/}" != "$nvcc" ] && [ ! -x "$nvcc" ]; }; then
    rm -rf "$build"
  fi
fi
if [ -z "$CMAKE_GENERATOR" ] && command -v ninja >/dev/null; then
  export CMAKE_GENERATOR=Ninja
fi
jobs=$(getconf _NPROCESSORS_ONLN)

cmake --preset release
case $1 in
install)
  cmake --build "$build" --parallel "$jobs" --target sinkstream
  cmake --install "$build" --component library --prefix "$2" --strip
  rm -rf "$3"
  if cmake --build "$build" --target help | grep -q sinkstream_cuda; then
    cmake --build "$build" --parallel "$jobs" --target sinkstream_cuda
    cmake --install "$build" --component cuda --prefix "$3" --strip
  fi
  ;;
test)
  cmake --build "$build" --parallel "$jobs"
  ctest --preset release
  ;;
*)
  echo "usage: $0 install DIRECTORY CUDA_DIRECTORY | test" >&2
  exit 2
  ;;
esac
