#!/bin/sh
# Prints the folder of a cargo and a rustc of one tool chain that is new enough, or fails.
# Looks at PATH, rustup's folder, and the versioned packages of Ubuntu.
MINIMUM_MINOR=87 # of Rust 1.x: llguidance asks for it

new_enough() {
  minor=$("$1" --version 2>/dev/null | sed -nE 's/^[a-z]+ 1\.([0-9]+).*/\1/p')
  [ "${minor:-0}" -ge "$MINIMUM_MINOR" ]
}

on_path=$(command -v cargo)
for folder in "${on_path%/cargo}" "$HOME/.cargo/bin" /usr/lib/rust-1.*/bin; do
  if [ -x "$folder/cargo" ] && new_enough "$folder/cargo" && new_enough "$folder/rustc"; then
    echo "$folder"
    exit 0
  fi
done
exit 1
