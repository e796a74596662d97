#!/usr/bin/env bash
# `make demo` and `make test` on a machine that has nothing but a shell, git and make: in a chroot of debootstrap's.
#   tools/fresh_machine.sh SUITE MIRROR [FOLDER]      as root; SUITE as bookworm, MIRROR as in /etc/apt
# Takes what is committed here. $APT_CONF names a file of apt settings that the mirror needs; COMPONENTS=main,universe
# is right for Ubuntu, SCRIPT=gutsy for an Ubuntu that is newer than this debootstrap. FOLDER (some GB, else a new one
# under /var/tmp) is removed at the end unless KEEP=1. CACHE names a folder of ccache's that the chroot may use: the
# build is then no measure, but what is installed and run is the same.
set -euo pipefail
cd "$(dirname "$0")/.."
suite=${1:?usage: fresh_machine.sh SUITE MIRROR [FOLDER]} mirror=${2:?usage: fresh_machine.sh SUITE MIRROR [FOLDER]}
folder=${3:-$(mktemp -d /var/tmp/fresh-machine-XXXXXX)}
components=${COMPONENTS:-main}
command -v debootstrap >/dev/null || { echo "apt-get install debootstrap" >&2; exit 1; }

leave() {
  for mount in root/.cache/ccache dev/shm dev/pts dev proc sys; do umount "$folder/$mount" 2>/dev/null || true; done
  grep -q " $folder/" /proc/mounts || [ "${KEEP:-0}" = 1 ] || rm -rf --one-file-system "$folder"
}
trap leave EXIT

began=$SECONDS
# COMPONENTS is a variable of debootstrap's own, too.
env -u COMPONENTS debootstrap --variant=minbase --components="$components" --include=git,make,ca-certificates \
  "$suite" "$folder" "$mirror" ${SCRIPT:+"$SCRIPT"} \
  >"$folder.log" 2>&1 || { tail -n 3 "$folder.log" >&2; exit 1; }
rm -f "$folder.log"
[ -z "${APT_CONF:-}" ] || cp "$APT_CONF" "$folder/etc/apt/apt.conf.d/99mirror"
cp /etc/resolv.conf /etc/hosts "$folder/etc/"
mount -t proc proc "$folder/proc"
mount -t sysfs sys "$folder/sys"
mount --bind /dev "$folder/dev"
mount --bind /dev/pts "$folder/dev/pts"  # tests open terminals
mount -t tmpfs tmpfs "$folder/dev/shm"
if [ -n "${CACHE:-}" ]; then
  mkdir -p "$folder/root/.cache/ccache" "$folder/root/.config/ccache"
  mount --bind "$CACHE" "$folder/root/.cache/ccache"
  printf 'base_dir = /root\nhash_dir = false\nmax_size = 8G\n' >"$folder/root/.config/ccache/ccache.conf"
fi
git clone -q --no-hardlinks . "$folder/root/rankscope"
echo "$suite: debootstrap $((SECONDS - began)) s"

for goal in demo test; do
  began=$SECONDS
  chroot "$folder" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    make -C /root/rankscope "$goal"
  echo "$suite: make $goal $((SECONDS - began)) s"
done
