#!/bin/sh
# Formats every C, CUDA and Java source; with --check, only says which are not formatted and fails.
set -e
cd "$(dirname "$0")/.."

# Other major versions format otherwise.
clang_format_required=14
clang_format=$(command -v clang-format-$clang_format_required) || clang_format=clang-format
case $("$clang_format" --version 2>/dev/null) in
*"version $clang_format_required."*) ;;
*)
  echo "formatting needs clang-format $clang_format_required, e.g. apt install clang-format-$clang_format_required" >&2
  exit 1
  ;;
esac
JAVA_HOME=$(sh cmake/find-jdk.sh)
export JAVA_HOME

failed=0
if [ "$1" = --check ]; then
  git ls-files -z '*.c' '*.h' '*.cpp' '*.hpp' '*.cu' '*.cuh' | xargs -0 "$clang_format" --dry-run --Werror || failed=1
  mvn -B -q spotless:check || failed=1
else
  git ls-files -z '*.c' '*.h' '*.cpp' '*.hpp' '*.cu' '*.cuh' | xargs -0 "$clang_format" -i
  mvn -B -q spotless:apply
fi
exit "$failed"
