#!/usr/bin/env bash
# Makes a Python with the frameworks that rankscope hooks into: install_frameworks.sh DIR. Then run the tests with
# RANKSCOPE_FRAMEWORKS=DIR/bin/python. --light: versions that work with Debian's torch, without PyPI's (some GB).
set -euo pipefail

light=
[ "${1:-}" = --light ] && { light=1; shift; }
dir=${1:?usage: install_frameworks.sh [--light] DIR}
if [ -n "$light" ]; then
  /usr/bin/python3 -m venv --system-site-packages "$dir"
  "$dir/bin/pip" install -q 'transformers==4.38.2' 'accelerate==0.27.2' 'lightning==2.1.4' 'setuptools<81'
else
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q torch transformers accelerate lightning ms-swift
fi
