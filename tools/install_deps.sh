#!/usr/bin/env bash
# Installs what building and testing need from Debian's (or Ubuntu's) packages; nothing when all is there.
# --lint adds the formatter, the linter and clang; --all-tests what the tests need that are left out without it.
set -euo pipefail

packages=(ca-certificates ccache cmake g++ git make ninja-build pkg-config
  libbenchmark-dev libcli11-dev libcurl4-openssl-dev libfmt-dev libgrpc++-dev libgtest-dev liblz4-dev
  libmicrohttpd-dev libprotobuf-dev libre2-dev libsimdjson-dev libsqlite3-dev libssl-dev libxxhash-dev libyaml-cpp-dev libzstd-dev zlib1g-dev
  iproute2 nlohmann-json3-dev protobuf-compiler protobuf-compiler-grpc python3 python3-dev python3-numpy python3-yaml)
for option in "$@"; do
  case $option in
    --lint) packages+=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev) ;;
    --all-tests) packages+=(curl faketime openmpi-bin python3-pip python3-setuptools python3-wheel zstd) ;;
    *) echo "install_deps.sh: unknown option $option (--lint, --all-tests)" >&2; exit 2 ;;
  esac
done

torch=$(cd "$(dirname "$0")" && pwd)/torch_python.sh

install() {
  missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "run this as root, or install sudo: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

install "${packages[@]}"

# torch, for the demo and the tests: Debian has a package; elsewhere it comes from PyPI into a folder of its own.
"$torch" >/dev/null 2>&1 && exit 0
if LC_ALL=C apt-cache policy python3-torch | grep -q 'Candidate: [0-9]'; then  # `apt-cache show` finds one that is merely named
  install python3-torch
else
  install python3-venv
  python3 -m venv "$("$torch" --folder)"
  "$("$torch" --folder)/bin/pip" install -q torch numpy
fi
