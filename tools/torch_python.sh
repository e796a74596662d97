#!/usr/bin/env bash
# Prints the Python with torch that demo and tests train with: $TORCH_PYTHON, the system's, or the one that install_deps.sh
# makes where the distribution has no package of it. --folder: only where that would be.
set -euo pipefail
folder=${XDG_CACHE_HOME:-$HOME/.cache}/rankscope/torch
[ "${1:-}" != --folder ] || { echo "$folder"; exit; }
for python in ${TORCH_PYTHON:+"$TORCH_PYTHON"} /usr/bin/python3 "$folder/bin/python"; do
  if "$python" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null; then
    echo "$python"
    exit
  fi
done
echo "no Python with torch; tools/install_deps.sh installs one" >&2
exit 1
