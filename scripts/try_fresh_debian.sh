#!/bin/bash
# Tries the README's commands in a fresh Debian 12 root that holds nothing but make, git and
# certificates. Package sources, certificates and proxies are those of this machine, copied at run
# time. Needs root and debootstrap. Prints how long each command took.
# usage: scripts/try_fresh_debian.sh [--keep] [COMMAND…]     default: "make run" twice, "make test"
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)

keep=false
if [ "${1:-}" = --keep ]; then keep=true && shift; fi
commands=("$@")
if [ $# -eq 0 ]; then commands=("make run" "make run" "make test"); fi
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
  echo "quire: this needs root and the package debootstrap" >&2
  exit 1
fi

root=$(mktemp -d "${TMPDIR:-/tmp}/quire-debian-XXXXXX")
chmod 755 "$root"
clean_up() {
  local status=$?
  for mount in dev/pts dev proc sys; do
    if mountpoint -q "$root/$mount"; then umount "$root/$mount"; fi
  done
  if $keep; then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
  exit $status
}
trap clean_up EXIT

# The first Debian address among this machine's package sources.
mirror=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
  awk '$2 == "bookworm" && $3 == "main" { print $1; exit }')
# The certificates come later, so the base system is fetched with this machine's own.
debootstrap --variant=minbase --include=make,git,ca-certificates bookworm "$root" "$mirror"

copy() { # folders and files of this machine that say where packages come from
  for path in "$@"; do
    if [ -e "$path" ]; then
      mkdir -p "$root$(dirname "$path")"
      cp -rLT --remove-destination "$path" "$root$path"
    fi
  done
}
rm -f "$root/etc/apt/sources.list"
copy /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/auth.conf.d \
  /etc/apt/trusted.gpg /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings \
  /etc/ssl/certs /usr/local/share/ca-certificates /etc/resolv.conf /etc/hosts \
  /etc/pip.conf /etc/npmrc
rm -f "$root"/etc/apt/apt.conf.d/docker-clean
mkdir -p "$root/root/.cargo"
for name in config.toml config; do
  if [ -e "${CARGO_HOME:-$HOME/.cargo}/$name" ]; then
    cp "${CARGO_HOME:-$HOME/.cargo}/$name" "$root/root/.cargo/$name"
  fi
done

if [ -e "$HOME/.npmrc" ]; then cp "$HOME/.npmrc" "$root/root/.npmrc"; fi

mount -t proc proc "$root/proc"
mount --bind /sys "$root/sys" # the cgroup's memory limit
mount --bind /dev "$root/dev"
mount --bind /dev/pts "$root/dev/pts"

# Where to find packages and which certificates to trust: the only variables that go in.
variables=$(env | grep -iE '^(https?_proxy|no_proxy|all_proxy|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE|NODE_EXTRA_CA_CERTS|PIP_(CERT|(EXTRA_)?INDEX_URL)|CARGO_(HTTP|NET|REGISTRIES|SOURCE)_[A-Z_]*)=' || true)
mapfile -t pairs <<<"$variables"
if [ -z "$variables" ]; then pairs=(); fi

git clone -q --no-hardlinks "file://$repository" "$root/srv/quire"

for command in "${commands[@]}"; do
  echo "=== $command"
  started=$SECONDS
  chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    "${pairs[@]}" sh -c "cd /srv/quire && $command"
  echo "=== $command: $((SECONDS - started)) s"
done
