#!/usr/bin/env bash
# Makes a Python with the frameworks that rankscope hooks into (some GB, from PyPI): install_frameworks.sh DIR.
# Then `RANKSCOPE_FRAMEWORKS=DIR/bin/python make test` runs tests/e2e/frameworks_test.py, too.
set -euo pipefail
dir=${1:?usage: install_frameworks.sh DIR}
python3 -m venv "$dir"
"$dir/bin/pip" install -q torch transformers accelerate lightning ms-swift
