#!/usr/bin/env bash
# Runs each fuzz target for so many seconds: tools/fuzz.sh [SECONDS]. What fails is left as crash-* in build/fuzz/found.
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
for target in build/fuzz/fuzz/*_fuzz; do
  corpus=build/fuzz/corpus/$(basename "$target")
  mkdir -p "$corpus"
  echo "== $(basename "$target")"
  "$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -verbosity=0 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/ "$corpus" 2>"$corpus.log" || { cat "$corpus.log"; exit 1; }
  grep number_of_executed "$corpus.log"
done
