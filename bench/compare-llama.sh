#!/usr/bin/env bash
# How fast sinkstream and llama.cpp run the same GGUF file, in turns, and how many times as fast sinkstream is.
#
# Usage: bench/compare-llama.sh FILE.gguf
#
# Needs jq and llama-bench: Debian's package llama.cpp-tools, installed, or in a folder that debootstrap made, which
# LLAMA_ROOT then names (this must run as root, and the file is linked or copied into it for the time of the run).
# In the environment:
#   LLAMA_ROOT         where llama.cpp is installed; empty for this system
#   THREADS            of both (default: all cores)
#   ROUNDS             turns of both (default 5); REPETITIONS of a test in a turn (default 2)
#   PROMPTS, TOKENS    tokens of the prompt tests, at depth 0 (128,512), and of the generation test (32)
#   DEPTHS             tokens cached before the generation test (0,1024)
#   CACHE              sinkstream's policy (4+1020)
#   RUN                put in front of what is measured, e.g. "taskset -c 0,1"
#   RESULTS            folder for the raw results (bench/results)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
file=${1:?usage: $0 FILE.gguf}
file=$(readlink -f "$file")
threads=${THREADS:-$(nproc)}
rounds=${ROUNDS:-5}
repetitions=${REPETITIONS:-2}
prompts=${PROMPTS:-128,512}
tokens=${TOKENS:-32}
depths=${DEPTHS:-0,1024}
cache=${CACHE:-4+1020}
results=${RESULTS:-$root/bench/results}
llama_root=${LLAMA_ROOT:-}

fail() {
  echo "$0: $1" >&2
  exit 2
}

[ -f "$file" ] || fail "$1: no such file"
command -v jq >/dev/null || fail "jq is missing: it is in the package of that name"

if [ -n "$llama_root" ]; then
  [ -x "$llama_root/usr/bin/llama-bench" ] || fail "LLAMA_ROOT=$llama_root: no usr/bin/llama-bench in it"
  guest=/tmp/compare-llama-$$.gguf
  trap 'rm -f "$llama_root$guest"' EXIT
  trap 'exit 130' INT TERM
  ln "$file" "$llama_root$guest" 2>/dev/null || cp "$file" "$llama_root$guest"
  llama_bench() { ${RUN:-} chroot "$llama_root" llama-bench -m "$guest" "$@"; }
else
  llama_bench() { ${RUN:-} llama-bench -m "$file" "$@"; }
fi
llama_bench --help >/dev/null 2>&1 || fail "llama-bench does not run: it is in Debian's package llama.cpp-tools"
"$root/sinkstream" --version >/dev/null # builds it, which is not measured

raw=$(mktemp) log=$(mktemp)
trap 'rm -f "$raw" "$log" ${guest:+"$llama_root$guest"}' EXIT

# One line for each test of each engine: {"engine", "test", "depth", "tokens_per_second"}.
theirs() { # flash attention, prompts, generated tokens, depth
  llama_bench -t "$threads" -fa "$1" -p "$2" -n "$3" -d "$4" -r "$repetitions" -o jsonl 2>"$log" |
    jq -c --arg engine "llama.cpp -fa $1" '{engine: $engine,
      test: (if .n_gen > 0 then "tg\(.n_gen)" else "pp\(.n_prompt)" end), depth: .n_depth, tokens_per_second: .avg_ts}'
}

ours() { # prompts, generated tokens, depth
  ${RUN:-} "$root/sinkstream" bench -m "$file" --threads "$threads" --cache "$cache" \
    -p "$1" -n "$2" -d "$3" -r "$repetitions" --json |
    jq -c '.[] | {engine: "sinkstream", test, depth, tokens_per_second, bandwidth_share}'
}

for round in $(seq "$rounds"); do
  for depth in $(echo "$depths" | tr , ' '); do
    prompt_tests=$prompts
    [ "$depth" = 0 ] || prompt_tests=0
    echo "round $round of $rounds, depth $depth" >&2
    theirs 0 "$prompt_tests" "$tokens" "$depth" >>"$raw" || fail "llama-bench failed: $(tail -n 3 "$log")"
    ours "$prompt_tests" "$tokens" "$depth" >>"$raw" || fail "sinkstream bench failed"
    theirs 1 "$prompt_tests" "$tokens" "$depth" >>"$raw" || fail "llama-bench failed: $(tail -n 3 "$log")"
  done
done

report() {
  processor=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
  echo "# $(date +%F), ${processor:-unknown processor}, $threads threads, $rounds rounds of $repetitions repetitions"
  echo "# $(basename "$file"), $(stat -c %s "$file") bytes; sinkstream $(git -C "$root" rev-parse --short HEAD) --cache $cache; llama.cpp $(llama_version)"
  echo "# bench/compare-llama.sh: medians of tokens/s; llama.cpp's is its better of -fa 0 and -fa 1"
  jq -rs '
    def median: sort | if length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
    def fixed: . * 100 | round / 100;
    "| test | llama.cpp -fa 0 | llama.cpp -fa 1 | sinkstream | of bandwidth | ratio |",
    "| ---- | --------------: | --------------: | ---------: | -----------: | ----: |",
    (group_by([.depth, .test])[] |
      ([.[] | select(.engine == "sinkstream")]) as $ours |
      ([.[] | select(.engine == "llama.cpp -fa 0") | .tokens_per_second] | median) as $plain |
      ([.[] | select(.engine == "llama.cpp -fa 1") | .tokens_per_second] | median) as $flash |
      ([$ours[].tokens_per_second] | median) as $speed |
      "| \(.[0].test)\(if .[0].depth > 0 then " @ d\(.[0].depth)" else "" end) | \($plain | fixed) | \($flash | fixed) | \($speed | fixed) | \([$ours[].bandwidth_share] | median * 100 | round) % | \($speed / ([$plain, $flash] | max) | fixed) |")' "$raw"
  echo
  cat "$raw"
}

llama_version() {
  ${llama_root:+chroot "$llama_root"} llama-bench --version 2>&1 | sed -n 's/^version: *//p' | head -n 1
}

mkdir -p "$results"
out=$results/$(date +%F)-llama-$(basename "$file" .gguf).txt
report >"$out"
grep '^[#|]' "$out"
echo "raw results: $out" >&2
