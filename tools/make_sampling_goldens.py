"""Makes tests/data/goldens/sampling.json: what the sampling pipeline must do to given logits.

The oracle below is plain torch in float64, one short function per rule, run in vLLM V1's order:

  allowed_token_ids, bad_words, min_tokens, logit_bias,
  penalties (repetition over prompt and output, then frequency and presence over output),
  greedy: argmax of that; else temperature, min_p, top_k, top_p, softmax.

Logprobs are those of the untouched logits. The cases are chosen so that no decision (which token is
kept, which is best) hangs on rounding, and so that another order of the steps gives another result.

Usage (needs torch):
  python3 tools/make_sampling_goldens.py             write the file
  python3 tools/make_sampling_goldens.py --verify    recompute it, compare, and try other orders
"""

import argparse
import json
import math
import sys
from pathlib import Path

import torch

OUTPUT = Path(__file__).resolve().parent.parent / "tests" / "data" / "goldens" / "sampling.json"
NEG_INF = -math.inf
GREEDY_BELOW = 1e-5
# Every decision must hold with this much room, relative to 1, in exact arithmetic.
MARGIN = 1e-5


def apply_allowed_token_ids(logits, case):
    allowed = case["params"].get("allowed_token_ids")
    if allowed is None:
        return logits
    out = torch.full_like(logits, NEG_INF)
    out[allowed] = logits[allowed]
    return out


def apply_bad_words(logits, case):
    """Bans the last token of a bad word once the output ends with the tokens before it."""
    out, output_ids = logits.clone(), case["output_token_ids"]
    for *head, last in case["params"].get("bad_words_token_ids", []):
        if not head or output_ids[-len(head) :] == head:
            out[last] = NEG_INF
    return out


def apply_min_tokens(logits, case):
    params = case["params"]
    out = logits.clone()
    if len(case["output_token_ids"]) < params.get("min_tokens", 0):
        ends = list(params.get("stop_token_ids", []))
        ends += [params["eos_token_id"]] if "eos_token_id" in params else []
        out[ends] = NEG_INF
    return out


def apply_logit_bias(logits, case):
    out = logits.clone()
    for token, bias in case["params"].get("logit_bias", {}).items():
        out[int(token)] += bias
    return out


def apply_repetition_penalty(logits, case):
    penalty = case["params"].get("repetition_penalty", 1.0)
    seen = torch.zeros(len(logits), dtype=torch.bool)
    seen[case["prompt_token_ids"] + case["output_token_ids"]] = True
    penalized = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen, penalized, logits)


def apply_count_penalties(logits, case):
    counts = torch.bincount(
        torch.tensor(case["output_token_ids"], dtype=torch.int64), minlength=len(logits)
    )
    frequency = case["params"].get("frequency_penalty", 0.0)
    presence = case["params"].get("presence_penalty", 0.0)
    return logits - frequency * counts - presence * (counts > 0)


def apply_temperature(logits, case):
    return logits / case["params"].get("temperature", 1.0)


def apply_min_p(logits, case):
    probs = logits.softmax(-1)
    threshold = case["params"].get("min_p", 0.0) * probs.max()
    case["margins"].append(nearest(probs, threshold))
    return logits.masked_fill(probs < threshold, NEG_INF)


def apply_top_k(logits, case):
    """Keeps what is at least as large as the k-th largest, so ties with it stay."""
    top_k = case["params"].get("top_k", 0)
    if top_k in (0, -1) or top_k >= len(logits):
        return logits
    return logits.masked_fill(logits < logits.topk(top_k).values[-1], NEG_INF)


def apply_top_p(logits, case):
    """In ascending order, drops while the cumulated probability is <= 1 - top_p; the best stays."""
    top_p = case["params"].get("top_p", 1.0)
    if top_p >= 1.0:
        return logits
    ascending, order = logits.sort()
    cumulated = ascending.softmax(-1).cumsum(-1)
    case["margins"].append((cumulated[:-1] - (1 - top_p)).abs().min().item())
    dropped = cumulated <= 1 - top_p
    dropped[-1] = False
    out = logits.clone()
    out[order[dropped]] = NEG_INF
    return out


def nearest(values, threshold):
    """Distance of the nearest value to a threshold, relative to the threshold."""
    if threshold == 0:
        return math.inf
    distance = (values - threshold).abs() / threshold
    # A value that equals its threshold exactly (min_p 1) compares the same in any precision.
    return distance[distance > 0].min().item()


DETERMINISTIC_STEPS = (
    apply_allowed_token_ids,
    apply_bad_words,
    apply_min_tokens,
    apply_logit_bias,
    apply_repetition_penalty,
    apply_count_penalties,
)
RANDOM_STEPS = (apply_temperature, apply_min_p, apply_top_k, apply_top_p)


def run(logits, case, steps):
    for step in steps:
        logits = step(logits, case)
    return logits


def is_greedy(case):
    return case["params"].get("temperature", 1.0) < GREEDY_BELOW


def expected(logits, case):
    """The results of one case; see tests/data/README.md for the fields."""
    case = case | {"margins": []}
    processed = run(logits, case, DETERMINISTIC_STEPS)
    changed = (processed != logits).nonzero().flatten().tolist()
    best = processed.topk(2).values
    out = {
        "changed_ids": changed,
        "changed_logits": [
            None if math.isinf(x) else rounded(x) for x in processed[changed].tolist()
        ],
        "raw_logprobs": raw_logprobs(logits, case),
    }
    if is_greedy(case):
        out["greedy_id"] = processed.argmax().item()
        case["margins"].append((best[0] - best[1]).item())
    else:
        probs = run(processed, case, RANDOM_STEPS).softmax(-1)
        kept = probs.nonzero().flatten().tolist()
        out |= {"kept_ids": kept, "probs": [rounded(x) for x in probs[kept].tolist()]}
    if min(case["margins"], default=math.inf) < MARGIN:
        raise RuntimeError(f"{case['name']}: a decision hangs on rounding: {case['margins']}")
    return out


def raw_logprobs(logits, case):
    """[id, logprob, rank] of the best tokens and then of a few fixed ones."""
    logprobs = logits.log_softmax(-1)
    num_best = case["params"].get("logprobs", 0)
    ids = logprobs.topk(num_best).indices.tolist() + case.get("score_ids", [])
    ranks = [(logprobs >= logprobs[i]).sum().item() for i in ids]
    return [[i, rounded(logprobs[i].item()), rank] for i, rank in zip(ids, ranks)]


def rounded(value):
    """Nine significant digits: every float32 survives."""
    return float(f"{value:.9g}")


def make_logits():
    """Rows of float32 logits, all values distinct unless said."""
    generator = torch.Generator().manual_seed(20)

    def normal(size, scale):
        return scale * torch.randn(size, generator=generator)

    flat, peaked, odd, wide = normal(64, 1.0), normal(64, 3.0), normal(257, 2.0), normal(512, 2.5)
    wide[[17, 300]] += 6.0
    ties = normal(64, 1.0).clamp(max=1.0)
    ties[[3, 9]], ties[[20, 33, 41]] = 3.0, 2.0
    return {"flat_64": flat, "peaked_64": peaked, "ties_64": ties, "odd_257": odd, "wide_512": wide}


def make_cases():
    return plain_cases() + mask_cases() + penalty_cases() + combined_cases()


def make_case(name, logits, prompt=(), output=(), score_ids=(), **params):
    return {
        "name": name,
        "logits": logits,
        "params": params,
        "prompt_token_ids": list(prompt),
        "output_token_ids": list(output),
        "score_ids": list(score_ids),
    }


def plain_cases():
    cases = [
        make_case("greedy", "flat_64", temperature=0.0, logprobs=5, score_ids=(0, 63)),
        make_case("defaults keep every token", "flat_64", logprobs=3),
        make_case("all logprobs", "flat_64", temperature=0.0, logprobs=64),
        make_case("equal logits share the larger rank", "ties_64", score_ids=(3, 9, 20, 33, 41)),
        make_case("top_k keeps ties with the k-th", "ties_64", top_k=3),
    ]
    cases += [make_case(f"temperature {t}", "peaked_64", temperature=t) for t in (0.01, 0.25, 2.0)]
    cases += [make_case(f"top_k {k}", "flat_64", top_k=k) for k in (1, 5, 63, 64, 1000, -1)]
    cases += [make_case(f"top_p {p}", "flat_64", top_p=p) for p in (1e-6, 0.1, 0.5, 0.9, 0.999)]
    cases += [make_case(f"min_p {p}", "flat_64", min_p=p) for p in (0.05, 0.3, 1.0)]
    return cases


def mask_cases():
    history = {"prompt": (1, 2, 3), "output": (7, 8, 9)}
    best = make_logits()["peaked_64"].argsort(descending=True).tolist()
    ends = {"stop_token_ids": [best[0]], "eos_token_id": best[1], "temperature": 0.0}
    greedy = {"temperature": 0.0}
    words = [[best[0]], [8, 9, best[1]], [8, 7, best[2]], [1, 2, 3, 7, 8, 9, best[2]]]
    return [
        make_case("allowed_token_ids", "peaked_64", allowed_token_ids=best[5:9]),
        make_case("allowed_token_ids, greedy", "peaked_64", allowed_token_ids=best[5:9], **greedy),
        make_case("top_k beyond the allowed", "peaked_64", allowed_token_ids=best[5:9], top_k=10),
        make_case("bad word of one token", "peaked_64", bad_words_token_ids=[[best[0]]], **greedy),
        make_case(
            "bad words see the output only",
            "peaked_64",
            **history,
            bad_words_token_ids=words,
            **greedy,
        ),
        make_case(
            "bad word longer than the output",
            "peaked_64",
            bad_words_token_ids=[[7, 8, best[0]]],
            **greedy,
        ),
        make_case("min_tokens not reached", "peaked_64", **history, min_tokens=4, **ends),
        make_case("min_tokens reached", "peaked_64", **history, min_tokens=3, **ends),
        make_case(
            "logit_bias, greedy",
            "peaked_64",
            logit_bias={str(best[0]): -100.0, str(best[9]): 20.0},
            **greedy,
        ),
        make_case("logit_bias", "flat_64", logit_bias={"0": 1.5, "5": -2.25, "63": 100.0}),
        make_case(
            "a bias does not undo a mask",
            "flat_64",
            allowed_token_ids=[1, 2, 3],
            logit_bias={"0": 100.0},
        ),
    ]


def penalty_cases():
    history = {"prompt": (1, 5, 5, 9), "output": (5, 11, 11, 11, 30)}
    repeat = make_logits()["peaked_64"].argmax().item()
    return [
        make_case("repetition_penalty 1.3", "peaked_64", **history, repetition_penalty=1.3),
        make_case("repetition_penalty 0.7", "peaked_64", **history, repetition_penalty=0.7),
        make_case(
            "repetition_penalty of the prompt",
            "peaked_64",
            (repeat,),
            (),
            repetition_penalty=50.0,
            temperature=0.0,
        ),
        make_case("frequency_penalty 0.5", "flat_64", **history, frequency_penalty=0.5),
        make_case("frequency_penalty -1", "flat_64", **history, frequency_penalty=-1.0),
        make_case("presence_penalty 1.5", "flat_64", **history, presence_penalty=1.5),
        make_case(
            "frequency leaves the prompt alone",
            "peaked_64",
            (repeat,) * 9,
            (),
            frequency_penalty=2.0,
            presence_penalty=2.0,
            temperature=0.0,
        ),
        make_case(
            "all penalties, greedy",
            "peaked_64",
            (1, 2),
            (repeat,) * 4,
            repetition_penalty=1.5,
            frequency_penalty=2.0,
            presence_penalty=2.0,
            temperature=0.0,
        ),
        make_case(
            "all penalties",
            "odd_257",
            **history,
            repetition_penalty=1.2,
            frequency_penalty=0.7,
            presence_penalty=-0.4,
        ),
    ]


def combined_cases():
    history = {"prompt": (1, 5, 5, 9, 200), "output": (5, 11, 11, 17, 17, 30)}
    penalties = {"repetition_penalty": 1.2, "frequency_penalty": 0.3, "presence_penalty": 0.2}
    everything = penalties | {
        "logit_bias": {"17": -3.0, "300": 1.0, "44": 4.0},
        "bad_words_token_ids": [[30, 45], [46]],
        "allowed_token_ids": list(range(0, 512, 2)) + [17, 45],
        "stop_token_ids": [2, 4],
        "eos_token_id": 6,
        "min_tokens": 8,
    }
    return [
        make_case("top_k then top_p", "flat_64", top_k=20, top_p=0.8),
        make_case("min_p then top_k then top_p", "flat_64", min_p=0.2, top_k=12, top_p=0.85),
        make_case("min_p then top_p", "flat_64", min_p=0.2, top_p=0.8),
        make_case("temperature before top_p", "peaked_64", temperature=2.5, top_p=0.9),
        make_case("temperature before min_p", "peaked_64", temperature=0.4, min_p=0.01),
        make_case(
            "penalties before temperature and top_p",
            "odd_257",
            **history,
            **penalties,
            temperature=0.7,
            top_p=0.95,
        ),
        make_case(
            "bias before the repetition penalty",
            "odd_257",
            **history,
            repetition_penalty=1.8,
            logit_bias={"5": -4.0, "11": 3.0},
        ),
        make_case(
            "large vocabulary", "wide_512", temperature=0.8, top_k=50, top_p=0.95, logprobs=20
        ),
        make_case(
            "everything",
            "wide_512",
            **history,
            **everything,
            temperature=0.9,
            min_p=0.001,
            top_k=40,
            top_p=0.97,
            logprobs=10,
        ),
        make_case(
            "everything, greedy", "wide_512", **history, **everything, temperature=0.0, logprobs=1
        ),
    ]


# Steps in another order, and a case whose result must change with it.
WRONG_ORDERS = (
    ("top_k then top_p", (apply_temperature, apply_min_p, apply_top_p, apply_top_k)),
    ("min_p then top_p", (apply_temperature, apply_top_k, apply_top_p, apply_min_p)),
    ("min_p then top_k then top_p", (apply_temperature, apply_top_p, apply_min_p, apply_top_k)),
    ("temperature before top_p", (apply_min_p, apply_top_k, apply_top_p, apply_temperature)),
    ("temperature before min_p", (apply_min_p, apply_top_k, apply_top_p, apply_temperature)),
)


def orders_matter(rows, cases):
    """True when every wrong order keeps other tokens than the right one."""
    good = True
    for name, steps in WRONG_ORDERS:
        case = next(c for c in cases if c["name"] == name) | {"margins": []}
        processed = run(rows[case["logits"]].double(), case, DETERMINISTIC_STEPS)
        right, wrong = (run(processed, case, s).isfinite() for s in (RANDOM_STEPS, steps))
        print(f"{name:32} keeps {right.sum():3} tokens, {wrong.sum():3} in the wrong order")
        good = good and not torch.equal(right, wrong)
    return good


def make_document():
    rows = make_logits()
    cases = [
        case | {"expected": expected(rows[case["logits"]].double(), case)} for case in make_cases()
    ]
    logits = {name: [rounded(x) for x in row.tolist()] for name, row in rows.items()}
    return {"logits": logits, "cases": cases}


def write(document, path):
    """One row of logits or one case a line."""

    def compact(value):
        return json.dumps(value, separators=(",", ":"))

    rows = ",\n".join(f"{compact(name)}:{compact(row)}" for name, row in document["logits"].items())
    cases = ",\n".join(compact(case) for case in document["cases"])
    path.write_text(f'{{"logits": {{\n{rows}\n}},\n"cases": [\n{cases}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output", type=Path, default=OUTPUT, help="default: tests/data/goldens/sampling.json"
    )
    parser.add_argument(
        "--verify", action="store_true", help="compare with the file instead of writing it"
    )
    args = parser.parse_args()
    document = make_document()
    if not args.verify:
        write(document, args.output)
        print(f"{len(document['cases'])} cases, {args.output.stat().st_size} bytes")
        return
    same = json.loads(args.output.read_text()) == document
    print("the file is up to date" if same else "the file differs from what this script computes")
    sys.exit(0 if orders_matter(make_logits(), make_cases()) and same else 1)


if __name__ == "__main__":
    main()
