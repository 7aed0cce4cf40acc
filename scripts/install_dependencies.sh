#!/bin/sh
# Installs the packages that a build needs, and with --test also those of the tests, the
# benchmarks and the linters, with --test-all also the browser and Node.js for those of the web page.
# Installs only what is missing; with nothing missing it needs neither
# root nor a network. Tried on Debian 12; written for Ubuntu 24.04 too, not tried there.
set -eu
cd "$(dirname "$0")"

packages="g++ cmake ninja-build ccache mold pkg-config ca-certificates
  libsimdjson-dev libspdlog-dev libfmt-dev libcli11-dev libyaml-cpp-dev nlohmann-json3-dev
  libcurl4-openssl-dev libssl-dev libxxhash-dev prometheus-cpp-dev zlib1g-dev"
# Debian 12 names Boost's version, and so does Ubuntu, which carries a newer one.
boost=libboost1.81-dev
if ! apt-cache show "$boost" >/dev/null 2>&1; then boost=libboost1.83-dev; fi
packages="$packages $boost"
test_packages="git python3 python3-dev python3-venv curl xz-utils libgtest-dev libgmock-dev libbenchmark-dev
  librapidcheck-dev clang-14 libclang-rt-14-dev clang-format-14"
case "${1:-}" in
"") ;;
--test) packages="$packages $test_packages" ;;
--test-all)
  packages="$packages $test_packages chromium"
  # Node.js may have come from elsewhere, and then brings npm with it.
  command -v npm >/dev/null || packages="$packages nodejs npm"
  ;;
*)
  echo "usage: $0 [--test|--test-all]" >&2
  exit 2
  ;;
esac

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "quire: this needs root, and there is no sudo. Run as root: $*" >&2
    exit 1
  fi
}

install() {
  echo "Installing: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

# Debian 12 carries a recent Rust as rustc-web, Ubuntu as rustc-1.NN next to its default.
rust_packages() {
  if apt-cache show cargo-web >/dev/null 2>&1; then
    echo rustc-web cargo-web
    return
  fi
  newest=$(apt-cache search --names-only '^cargo-1\.[0-9]+$' | sed -nE 's/^cargo-1\.([0-9]+).*/\1/p' |
    sort -n | tail -n 1)
  if [ "${newest:-0}" -ge 87 ]; then echo "rustc-1.$newest" "cargo-1.$newest"; fi
}

require_rust() {
  if ./find_rust.sh >/dev/null; then return; fi
  update_lists
  found=$(rust_packages)
  # shellcheck disable=SC2086 # a list of packages
  if [ -n "$found" ]; then install $found; fi
  if ! ./find_rust.sh >/dev/null; then
    echo "quire: no Rust tool chain from 1.87 on was found or could be installed by apt." >&2
    echo "Install one with rustup (https://rustup.rs) and run this again." >&2
    exit 1
  fi
}

lists_are_new=false
update_lists() {
  if $lists_are_new; then return; fi
  as_root apt-get update -q
  lists_are_new=true
}

if ! command -v dpkg-query >/dev/null; then
  echo "quire: this script knows Debian 12 and Ubuntu 24.04 only. Install by hand:" $packages >&2
  echo "and Rust from 1.87 on; docs/dependencies.md says what each is for." >&2
  exit 1
fi

missing=
for package in $packages; do
  is_installed "$package" || missing="$missing $package"
done
if [ -n "$missing" ]; then
  update_lists
  # shellcheck disable=SC2086 # a list of packages
  install $missing
fi
require_rust
