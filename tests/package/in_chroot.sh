#!/usr/bin/env bash
# Usage: in_chroot.sh PACKAGE.deb [FOLDER]  (root)
# Installs the package with its dependencies in a fresh Debian 12 and uses it there as a user would.
# FOLDER keeps the bare system between runs (default: a temporary one that is removed).
set -euo pipefail
package=$(realpath "$1")
# The mirror that this machine installs from.
mirror=${NAS_DEBIAN_MIRROR:-$(apt-cache policy | grep -oE 'https?://[^ ]+ bookworm/main' | cut -d' ' -f1 | head -n 1)}
[ -n "$mirror" ] || { echo "name a Debian mirror in NAS_DEBIAN_MIRROR" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || { echo "root is needed for a chroot" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "debootstrap is not installed: apt-get install debootstrap" >&2; exit 1; }
if [ $# -gt 1 ]; then
  root=$2
else
  root=$(mktemp -d)
  trap 'umount "$root/proc" 2>/dev/null || true; rm -rf --one-file-system "$root"' EXIT
fi
[ -d "$root/etc/apt" ] || debootstrap --variant=minbase bookworm "$root" "$mirror" >/dev/null
# A package mirror behind a proxy is reached as this machine reaches it.
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || mount --bind /proc "$root/proc"
cp "$package" "$root/tmp/nas.deb"
run() { chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/bin:/bin TERM=dumb bash -euo pipefail -c "$1"; }
run 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/nas.deb >/dev/null'
run 'rm -rf /tmp/try && mkdir /tmp/try && cd /tmp/try
  nas --version
  nas list spaces | head -n 4
  nas doctor || true
  nas train --config quickstart/train --set train.epochs=3 --set train.schedule.warmup_epochs=1 --name small -q
  nas search --config quickstart/search --set search.evaluations=16 --set search.population=8 --run small -q
  nas export --run last --pick best --out best --format torchscript,onnx,json -q
  ls best
  nas evaluate best/model.onnx --split test -q
  nas reproduce best >/dev/null
  nas completion bash >/dev/null
  test -s /usr/share/man/man1/nas-train.1* || test -s /usr/share/man/man1/nas-train.1
  test -s /usr/share/bash-completion/completions/nas'
run 'DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq nas >/dev/null && test ! -e /usr/bin/nas && test ! -e /usr/lib/nas'
umount "$root/proc"
echo "installed, used and removed"
