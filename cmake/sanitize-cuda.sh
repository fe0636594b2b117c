#!/bin/sh
# Runs the CUDA tests under each tool of compute-sanitizer, on a machine with a GPU; fails unless all of them are clean.
# sanitize-cuda.sh [FOLDER [SEED]]: the folder with the tests (build/release/cuda), and their seed (1).
# The tools look at every access: SINKSTREAM_TEST_SHORT=N runs an Nth of the tests (100), SINKSTREAM_TOOL_SECONDS ends one
# that takes longer (120).
folder=${1:-$(dirname "$0")/../build/release/cuda}
seed=${2:-1}
limit=${SINKSTREAM_TOOL_SECONDS:-120}
export SINKSTREAM_TEST_SHORT="${SINKSTREAM_TEST_SHORT:-100}"
if ! command -v compute-sanitizer > /dev/null; then
  echo "compute-sanitizer was not found: it comes with the CUDA toolkit, and must be in the PATH" >&2
  exit 2
fi

failed=0
ran=0
for test in "$folder"/test_*; do
  [ -x "$test" ] || continue
  ran=$((ran + 1))
  for tool in memcheck racecheck initcheck synccheck; do
    output=$(timeout -s KILL "$limit" compute-sanitizer --tool "$tool" "$test" "$seed" 2>&1)
    status=$?
    summary=$(echo "$output" | grep -E 'checks, |SUMMARY' | sed 's/=* *//' | paste -s -d ';' -)
    clean=no
    case $summary in *"checks, 0 failures"*"SUMMARY: 0 "*) [ "$status" = 0 ] && clean=yes ;; esac
    echo "$tool $(basename "$test") $seed: exit $status; $summary"
    if [ "$clean" = no ]; then
      failed=1
      echo "$output" | tail -40
    fi
  done
done
if [ "$ran" = 0 ]; then
  echo "no test_* in $folder: build with nvcc first" >&2
  exit 2
fi
exit "$failed"
