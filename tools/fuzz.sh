#!/usr/bin/env bash
# Runs each fuzz target for so many seconds, one a core: tools/fuzz.sh [SECONDS]. What fails is left as crash-* in build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzz
mkdir -p build/fuzz/found
# What targets write: in memory, of this run alone, removed here since libFuzzer ends without destructors.
TMPDIR=$(mktemp -d -p /dev/shm rankscope-fuzz-XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

run_target() {
  local corpus=build/fuzz/corpus/$(basename "$1")
  mkdir -p "$corpus"
  "$1" -max_total_time="$2" -max_len=4096 -timeout=60 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/ "$corpus" 2>"$corpus.log" || { cat "$corpus.log"; exit 255; }  # 255: xargs stops
  echo "$(basename "$1"): $(grep number_of_executed "$corpus.log")"
}
export -f run_target
printf '%s\n' build/fuzz/fuzz/*_fuzz | xargs -P "$(nproc)" -I TARGET bash -c 'run_target TARGET "$1"' _ "$seconds"
