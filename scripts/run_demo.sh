#!/bin/sh
# Generates with the bundled model and shows text, time to first token, tokens per second and
# prefix-cache hits. PROMPT: one message of your own. MODEL: another folder or repository, which
# completes PROMPT as plain text.
set -eu
program=$1
model=${MODEL:-models/small-chat}

generate() {
  "$program" generate --model "$model" --temperature 0 --stats "$@"
}

if [ -n "${PROMPT:-}" ]; then
  if [ -z "${MODEL:-}" ]; then set -- --chat; else set --; fi
  generate "$@" --max-tokens 200 --prompt "$PROMPT"
  exit
fi

echo "== Plain text, continued by the model. Two prompts share their beginning."
generate --max-tokens 40 \
  --prompt "Hello world" \
  --prompt "Long context prefix... " \
  --prompt "Long context prefix... different continuation"

echo
echo "== Conversations. They share a system prompt, so the later ones find its blocks in the cache."
generate --max-tokens 60 \
  --system-prompt "You are a helpful assistant. Be concise and accurate.
Always cite sources when providing information." \
  --prompt "What is Python?" \
  --prompt "Explain recursion" \
  --prompt "Write a sorting algorithm"
