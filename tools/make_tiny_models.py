"""Makes the small random checkpoints of tests/data/models and their goldens with Hugging Face transformers.

Each checkpoint is a few dozen kB of random weights, wide enough in variance that one wrong term of the
forward pass moves the logits far beyond rounding. Beside it lies goldens.safetensors, computed in float32
by transformers (eager attention) from the files as they were saved:

  prompt_i        [length] int64      token ids
  logits_i        [length, vocab]     float32, one row per position of the prompt
  greedy_i        [16] int64          greedy continuation, not stopped at the end-of-sequence token
  greedy_gap_i    [16] float32        best logit minus second best at each of these steps
  bf16_error_i    [1] float32         max |logits_i - the same in bfloat16|: what transformers itself loses

Usage (needs torch, transformers and safetensors; not a part of the build or of CI):
  python3 tools/make_tiny_models.py                  write every checkpoint to tests/data/models
  python3 tools/make_tiny_models.py --only qwen3     write the named ones
  python3 tools/make_tiny_models.py --verify         show that the goldens see each feature being switched off
"""

import argparse
import json
import re
import shutil
import sys
import zlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

from tiny_model_recipes import RECIPES

OUTPUT = Path(__file__).resolve().parent.parent / "tests" / "data" / "models"
PROMPT_LENGTHS = (5, 24, 40)
NUM_GREEDY = 16
# Greedy steps closer than this would make the expected ids a matter of summation order.
MIN_GREEDY_GAP = 0.02


def randomize(model, recipe, generator):
    """Fills every weight: norms spread around their neutral value, the rest Gaussian."""
    for name, weight in model.named_parameters():
        noise = torch.randn(weight.shape, generator=generator)
        if name.endswith("norm.weight"):
            weight.data = recipe.norm_mean + 0.3 * noise
        elif "embed_tokens" in name:
            weight.data = 0.5 * noise
        else:
            weight.data = recipe.weight_std * noise


def older_spelling(config):
    """Respells config.json with torch_dtype, rope_theta and rope_scaling, as checkpoints of 2023 to 2025 do."""
    config = dict(config)
    for newer in ("transformers_version", "_sliding_window_pattern"):
        config.pop(newer, None)
    config["torch_dtype"] = config.pop("dtype")
    parameters = config.pop("rope_parameters")
    layer_types = config.pop("layer_types", None)
    if config["model_type"] == "gemma3_text":
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        config["sliding_window_pattern"] = layer_types.index("full_attention") + 1
        parameters = parameters["full_attention"]
    scaling = dict(parameters)
    config["rope_theta"] = scaling.pop("rope_theta")
    scaling.pop("partial_rotary_factor", None)
    if config["model_type"] == "llama" and scaling["rope_type"] == "linear":
        scaling["type"] = scaling.pop("rope_type")
    config["rope_scaling"] = None if scaling.get("rope_type") == "default" else scaling
    return dict(sorted(config.items()))


def save_checkpoint(recipe, directory, seed):
    """Writes config.json and the weights in recipe.dtype."""
    shutil.rmtree(directory, ignore_errors=True)
    config = AutoConfig.for_model(recipe.model_type, **recipe.config)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomize(model, recipe, torch.Generator().manual_seed(seed))
    model.tie_weights()
    model.to(recipe.dtype).save_pretrained(directory, max_shard_size=recipe.max_shard_size)
    (directory / "generation_config.json").unlink(missing_ok=True)
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config = (older_spelling(config) if recipe.older_spelling else config) | recipe.written
    path.write_text(json.dumps(config, indent=2) + "\n")
    for file in directory.iterdir():
        file.chmod(0o644)


def load(directory, dtype=torch.float32, edits=None):
    config = AutoConfig.from_pretrained(directory)
    for key, value in (edits or {}).items():
        setattr(config, key, value)
    model = AutoModelForCausalLM.from_pretrained(
        directory, config=config, dtype=dtype, attn_implementation="eager"
    )
    return model.eval()


@torch.no_grad()
def logits_of(model, ids):
    """[positions, vocab] float32."""
    return model(torch.tensor([ids]), use_cache=False).logits[0].float()


def greedy(model, ids, steps):
    """The continuation and, for each step, the distance between the two best logits."""
    out, gaps = [], []
    for _ in range(steps):
        best = logits_of(model, ids + out)[-1].topk(2)
        gaps.append((best.values[0] - best.values[1]).item())
        out.append(best.indices[0].item())
    return out, gaps


def pick_prompt(model, length, vocab_size, generator):
    """A random prompt whose greedy continuation has no near tie and no end-of-sequence token."""
    for _ in range(1000):
        ids = torch.randint(3, vocab_size, (length,), generator=generator).tolist()
        out, gaps = greedy(model, ids, NUM_GREEDY)
        if min(gaps) > MIN_GREEDY_GAP and model.config.eos_token_id not in out:
            return ids, out, gaps
    raise RuntimeError(f"no prompt of {length} tokens without a near tie")


def make_goldens(recipe, directory, seed):
    model, rounded = load(directory), load(directory, torch.bfloat16)
    generator = torch.Generator().manual_seed(seed + 1)
    tensors = {}
    for i, length in enumerate(PROMPT_LENGTHS):
        ids, out, gaps = pick_prompt(model, length, recipe.config["vocab_size"], generator)
        logits = logits_of(model, ids)
        tensors |= {
            f"prompt_{i}": torch.tensor(ids),
            f"logits_{i}": logits,
            f"greedy_{i}": torch.tensor(out),
            f"greedy_gap_{i}": torch.tensor(gaps),
            f"bf16_error_{i}": (logits_of(rounded, ids) - logits).abs().max().reshape(1),
        }
    save_file(tensors, directory / "goldens.safetensors")
    (directory / "goldens.safetensors").chmod(0o644)


def make(recipe, root):
    directory = root / recipe.name
    seed = zlib.crc32(recipe.name.encode())
    save_checkpoint(recipe, directory, seed)
    make_goldens(recipe, directory, seed)
    print(
        f"{recipe.name:20} {sum(f.stat().st_size for f in directory.iterdir()):8} bytes", flush=True
    )


def apply_weights(model, mutation):
    matched = [p for name, p in model.named_parameters() if re.search(mutation.weights, name)]
    assert matched, f"{mutation.label}: no weight matches {mutation.weights}"
    for parameter in matched:
        parameter.data.fill_(mutation.value)


def change_of(mutation, directory, ids, reference):
    """Largest change of a logit when one feature is switched off."""
    model = load(directory, edits=mutation.config)
    if mutation.weights:
        apply_weights(model, mutation)
    return (logits_of(model, ids) - reference).abs().max().item()


def verify(recipe, root):
    """Prints how far each mutation moves the goldens; returns whether all of them are seen."""
    directory = root / recipe.name
    goldens = load_file(directory / "goldens.safetensors")
    ids, reference = goldens["prompt_2"].tolist(), goldens["logits_2"]
    drift = (logits_of(load(directory), ids) - reference).abs().max().item()
    gap = min(goldens[f"greedy_gap_{i}"].min().item() for i in range(len(PROMPT_LENGTHS)))
    bf16 = max(goldens[f"bf16_error_{i}"].item() for i in range(len(PROMPT_LENGTHS)))
    print(
        f"{recipe.name}: logits std {reference.std():.2f} max {reference.abs().max():.1f}, recomputed {drift:.1e}, ",
        end="",
    )
    print(f"bf16 error {bf16:.2f}, smallest greedy gap {gap:.3f}")
    good = drift < 1e-4
    for mutation in recipe.mutations:
        change = change_of(mutation, directory, ids, reference)
        seen = change > mutation.min_change
        good = good and seen
        print(f"  {mutation.label:36} {change:9.4f} {'' if seen else 'NOT SEEN'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: tests/data/models")
    parser.add_argument(
        "--only",
        nargs="*",
        default=[r.name for r in RECIPES],
        metavar="NAME",
        help="these checkpoints only",
    )
    parser.add_argument(
        "--verify", action="store_true", help="check the goldens that exist instead of writing them"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable_progress_bar()
    chosen = [r for r in RECIPES if r.name in args.only]
    if args.verify:
        results = [verify(r, args.output) for r in chosen]
        sys.exit(0 if all(results) else 1)
    for recipe in chosen:
        make(recipe, args.output)


if __name__ == "__main__":
    main()
