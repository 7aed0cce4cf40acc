#!/bin/sh
# Checks the C++ files against .clang-format; with --fix, rewrites them. The version is fixed
# because versions format differently.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" = --fix ]; then
  mode=-i
elif [ $# -eq 0 ]; then
  mode="--dry-run --Werror"
else
  echo "usage: $0 [--fix]" >&2
  exit 2
fi

# shellcheck disable=SC2086 # several words
if git ls-files -z --cached --others --exclude-standard '*.h' '*.cpp' |
  xargs -0 -r sh -c 'for file; do [ ! -f "$file" ] || echo "$file"; done' sh |
  xargs -r clang-format-14 $mode; then
  echo "format: ok"
else
  echo "format: mend with make format"
  exit 1
fi
