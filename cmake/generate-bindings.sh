#!/bin/sh
# Generates the Java bindings from every header in csrc/include/sinkstream. Argument: the jextract command.
set -e
jextract=${1:?usage: $0 JEXTRACT}
cd "$(dirname "$0")/../csrc/include"
sources=../../java/core/src/main/java
bindings=$sources/org/sinkstream/kernels/ffi

umbrella=$(mktemp -d)
trap 'rm -rf "$umbrella"' EXIT
for header in sinkstream/*.h; do
  echo "#include \"$header\""
done >"$umbrella/sinkstream.h"

# What the system's headers declare stays out: opaque structs are left to C, all else that begins with our prefix is taken.
"$jextract" -I . --dump-includes "$umbrella/all" "$umbrella/sinkstream.h" 2>/dev/null
grep -E '^--include-[a-z]+ (sks|SKS)_' "$umbrella/all" >"$umbrella/ours"

rm -rf "$bindings"
"$jextract" -I . --output "$sources" --target-package org.sinkstream.kernels.ffi --header-class-name Sinkstream \
  "@$umbrella/ours" "$umbrella/sinkstream.h"

# Older versions of libclang print f(void) as f(): the output must not depend on the version.
sed -i 's/^\( *\* .*\)()$/\1(void)/' "$bindings"/*.java
