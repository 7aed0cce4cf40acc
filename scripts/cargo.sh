#!/bin/sh
# Runs cargo on the text library: cargo.sh RUST_DIR COMMAND [OPTION...]. RUST_DIR holds cargo and
# rustc. The environment is the same for every caller, so that nothing is compiled twice.
rust_dir=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
# Messages of the crates name their source files: without the folders of this machine.
crates=${CARGO_HOME:-$HOME/.cargo}/registry/src
separator=$(printf '\037')
CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$crates=crates${separator}--remap-path-prefix=$root=quire"
export CARGO_ENCODED_RUSTFLAGS
unset MAKEFLAGS RUSTFLAGS
# cargo and rustc come from one tool chain: some crates do not build with a mixed pair.
export RUSTC="$rust_dir/rustc" PCRE2_SYS_STATIC=1 CC=cc
cd "$root/rust" || exit 1 # where cargo looks for .cargo/config.toml
exec "$rust_dir/cargo" "$@"
