"""Makes tests/data/goldens/small_chat.json from models/ with Hugging Face transformers in float32.

The prompts are those that the file already holds; everything else in it is computed anew, so run this
after the models were trained again (the text of a short prompt is then tokenized anew, too).

Usage (needs torch and transformers):
  python3 tools/make_small_chat_goldens.py             write the file
  python3 tools/make_small_chat_goldens.py --verify    recompute and compare, print near ties
"""

import argparse
import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parent.parent
GOLDENS = ROOT / "tests" / "data" / "goldens" / "small_chat.json"
MAX_STEPS = {"short": 96, "long": 48}
LOGPROB_TOLERANCE = 1e-4


class Model:
    """One bundled model and its tokenizer."""

    def __init__(self, name):
        directory = ROOT / "models" / name
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
        self.end_ids = set(self.model.config.eos_token_id)

    @torch.no_grad()
    def forward(self, ids, cache=None):
        """([positions, vocab] logits, the KV cache)."""
        out = self.model(torch.tensor([ids]), past_key_values=cache, use_cache=True)
        return out.logits[0], out.past_key_values

    def greedy(self, prompt_ids, max_steps):
        """Fields of the greedy continuation, and the logits of the prompt."""
        steps = {"greedy_ids": [], "logprobs": [], "top2_ids": [], "top2_logits": []}
        prompt_logits, cache = self.forward(prompt_ids)
        row = prompt_logits[-1]
        while True:
            best = row.topk(2)
            steps["greedy_ids"].append(best.indices[0].item())
            steps["logprobs"].append(round(row.log_softmax(-1).max().item(), 6))
            steps["top2_ids"].append(best.indices.tolist())
            steps["top2_logits"].append([round(x, 5) for x in best.values.tolist()])
            if steps["greedy_ids"][-1] in self.end_ids or len(steps["greedy_ids"]) == max_steps:
                return steps, prompt_logits
            logits, cache = self.forward(steps["greedy_ids"][-1:], cache)
            row = logits[-1]


def make_case(model, old):
    """The golden of one prompt, in the order of the file's fields."""
    if old["kind"] == "long":
        ids = old["prompt_ids"]
        return {"kind": "long", "prompt_ids": ids} | model.greedy(ids, MAX_STEPS["long"])[0]
    ids = model.tokenizer(old["prompt"], add_special_tokens=False).input_ids
    steps, logits = model.greedy(ids, MAX_STEPS["short"])
    logprobs = logits.log_softmax(-1)
    best = logprobs[-1].topk(5)
    return {
        "kind": "short",
        "prompt": old["prompt"],
        "prompt_ids": ids,
        "prompt_logprobs": [round(logprobs[i, ids[i + 1]].item(), 5) for i in range(len(ids) - 1)],
        "greedy_ids": steps["greedy_ids"],
        "text": model.tokenizer.decode(steps["greedy_ids"], skip_special_tokens=False),
        **{key: steps[key] for key in ("logprobs", "top2_ids", "top2_logits")},
        "top5_next": [
            [i, round(v, 5)] for i, v in zip(best.indices.tolist(), best.values.tolist())
        ],
    }


def write(goldens):
    """One prompt a line."""
    groups = []
    for name, cases in goldens.items():
        lines = [json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases]
        groups.append(f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "\n]")
    GOLDENS.write_text("{\n" + ",\n".join(groups) + "\n}\n")


def difference(old, new):
    """A sentence on how two goldens of a prompt differ; empty when they agree."""
    for key in ("prompt_ids", "greedy_ids", "text"):
        if old.get(key) != new.get(key):
            return f"{key} differs"
    worst = max(
        abs(a - b)
        for key in ("logprobs", "prompt_logprobs")
        for a, b in zip(old.get(key, []), new.get(key, []), strict=True)
    )
    return f"logprobs differ by {worst:.1e}" if worst > LOGPROB_TOLERANCE else ""


def report(name, index, golden, problem):
    gaps = [a - b for a, b in golden["top2_logits"]]
    step = min(range(len(gaps)), key=gaps.__getitem__)
    print(
        f"{name:16} {index:2} {golden['kind']:5} prompt {len(golden['prompt_ids']):4} steps {len(gaps):2} "
        f"smallest gap {gaps[step]:.4f} at step {step:2}  {problem or 'agrees'}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--verify", action="store_true", help="compare with the file instead of writing it"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    old = json.loads(GOLDENS.read_text())
    new, problems = {}, 0
    for name, cases in old.items():
        model = Model(name)
        new[name] = [make_case(model, case) for case in cases]
        for i, (before, after) in enumerate(zip(cases, new[name])):
            problem = difference(before, after) if args.verify else "written"
            problems += args.verify and bool(problem)
            report(name, i, after, problem)
    if not args.verify:
        write(new)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
