#!/bin/sh
# Generates with the bundled model and shows text, time to first token, tokens per second and
# prefix-cache hits. PROMPT: one prompt of your own. MODEL: another model folder or repository.
set -eu
program=$1
model=${MODEL:-models/small-chat}

if [ -n "${PROMPT:-}" ]; then
  exec "$program" generate --model "$model" --chat --prompt "$PROMPT" --max-tokens 200 --temperature 0 --stats
fi

echo "== A chat, through the model's template =="
"$program" generate --model "$model" --chat --max-tokens 100 --temperature 0 --stats \
  --prompt "Hello, who are you?" \
  --prompt "What is prefix caching?"

# Three prompts that share a system prompt and two that share a prefix: the later ones reuse its
# blocks of the prefix cache.
echo "== Plain completions that share a beginning =="
system_prompt="You are a helpful assistant. Be concise and accurate.
Always cite sources when providing information."
exec "$program" generate --model "$model" --max-tokens 50 --temperature 0 --stats \
  --prompt "Hello world" \
  --prompt "$system_prompt
User: What is Python?
Assistant:" \
  --prompt "$system_prompt
User: Explain recursion
Assistant:" \
  --prompt "$system_prompt
User: Write a sorting algorithm
Assistant:" \
  --prompt "Long context prefix... " \
  --prompt "Long context prefix... different continuation"
