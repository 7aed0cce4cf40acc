"""Rules of one's own over the next token, for the engine and for single requests."""

import asyncio
import gc
import subprocess
import sys
import weakref

import pytest

from conftest import ROOT
from vllm import LLM, LLMEngine, SamplingParams
from vllm.sampling_params import BeamSearchParams
from vllm.v1.engine.async_llm import AsyncLLM

np = pytest.importorskip("numpy", reason="logits come as numpy arrays, and numpy is not installed")

from vllm.v1.sample.logits_processor import (  # noqa: E402
    AdapterLogitsProcessor,
    BatchUpdate,
    LogitsProcessor,
)

GREEDY = SamplingParams(temperature=0, max_tokens=6, ignore_eos=True)
V1_REFUSES = (
    "vLLM V1 does not support per request user provided logits processors. Give them to "
    "LLM(logits_processors=[…]), or take the V0 engine with VLLM_USE_V1=0."
)


def greedy(**kwargs):
    return SamplingParams(temperature=0, max_tokens=6, ignore_eos=True, **kwargs)


def force(token_id, logits):
    logits[:] = -np.inf
    logits[token_id] = 0


class ForcedToken(AdapterLogitsProcessor):
    """extra_args={"forced": id} makes every token that one."""

    made = 0

    @classmethod
    def validate_params(cls, sampling_params):
        forced = (sampling_params.extra_args or {}).get("forced", 0)
        if not isinstance(forced, int):
            raise ValueError(f"forced must be an int, got {forced!r}.")

    def is_argmax_invariant(self):
        return False

    def new_req_logits_processor(self, params):
        if "forced" not in (params.extra_args or {}):
            return None
        type(self).made += 1

        def apply(output_ids, logits):
            if params.extra_args.get("fails_at") == len(output_ids):
                raise KeyError("no such rule")
            force(params.extra_args["forced"], logits)

        return apply


class CountingBatch(LogitsProcessor):
    """A rule for batches: token n + 100 as the n-th one."""

    def __init__(self, vllm_config, device, is_pin_memory):
        assert vllm_config.model_config.max_model_len == 256 and device == "cpu"
        assert vllm_config.scheduler_config.max_num_seqs == 8
        self.rows = {}

    def is_argmax_invariant(self):
        return False

    def update_state(self, batch_update):
        if batch_update is None:
            return
        assert isinstance(batch_update, BatchUpdate)
        for row, params, prompt_ids, output_ids in batch_update.added:
            if params.extra_args:
                self.rows[row] = (len(prompt_ids), output_ids)

    def apply(self, logits):
        for row, (_, output_ids) in self.rows.items():
            force(100 + len(output_ids), logits[row])
        return logits


def tokens(output):
    return output.outputs[0].token_ids


@pytest.fixture(scope="module")
def forced_llm(model):
    return LLM(model=model, max_model_len=256, logits_processors=[ForcedToken])


def test_a_function_sees_prompt_and_output_and_changes_the_row_in_place(model):
    seen = []

    def plus_one(prompt_ids, output_ids, logits):
        assert logits.dtype == np.float32 and not logits.flags.owndata
        seen.append((list(prompt_ids), list(output_ids), logits.shape))
        force(prompt_ids[-1] + 1 + len(output_ids), logits)

    llm = LLM(model=model, max_model_len=256, logits_processors=[plus_one])
    (output,) = llm.generate([[5, 6, 7]], GREEDY)
    assert tokens(output) == [8, 9, 10, 11, 12, 13]
    assert [ids for ids, _, _ in seen] == [[5, 6, 7]] * 6
    assert [ids for _, ids, _ in seen] == [[8, 9, 10, 11, 12, 13][:n] for n in range(6)]
    (shape,) = {shape for _, _, shape in seen}
    assert shape >= (len(llm.get_tokenizer()),)


def test_returned_logits_count_and_functions_follow_each_other(model):
    def only_even(output_ids, logits):
        changed = logits.copy()
        changed[1::2] = -np.inf
        return changed

    def not_low(output_ids, logits):
        logits[:1000] = -np.inf

    llm = LLM(model=model, max_model_len=256, logits_processors=[only_even, not_low])
    params = SamplingParams(max_tokens=40, ignore_eos=True, seed=1)
    (output,) = llm.generate("Hello", params)
    assert all(token_id % 2 == 0 and token_id >= 1000 for token_id in tokens(output))


def test_extra_args_switch_a_rule_per_request(llm, forced_llm):
    plain = tokens(llm.generate("Hello", GREEDY)[0])
    before = ForcedToken.made
    outputs = forced_llm.generate(
        ["Hello", "Hello", "Hello"],
        [GREEDY, greedy(extra_args={"forced": 77}), greedy(extra_args={})],
    )
    assert [tokens(output) for output in outputs] == [plain, [77] * 6, plain]
    assert ForcedToken.made == before + 1


def test_each_completion_has_a_rule_of_its_own(forced_llm):
    before = ForcedToken.made
    params = SamplingParams(n=3, max_tokens=4, ignore_eos=True, extra_args={"forced": 9})
    outputs = forced_llm.generate(["Hello", "World"], params)
    assert all(c.token_ids == [9] * 4 for output in outputs for c in output.outputs)
    assert ForcedToken.made == before + 6


def test_logprobs_tell_what_the_model_said(forced_llm):
    (output,) = forced_llm.generate("Hello", greedy(extra_args={"forced": 77}, logprobs=1))
    (first, *_) = output.outputs[0].logprobs
    assert first[77].rank > 1 and first[77].logprob < 0


def test_a_batch_rule_gets_each_completion_as_a_batch_of_one(model):
    llm = LLM(model=model, max_model_len=256, max_num_seqs=8, logits_processors=[CountingBatch])
    outputs = llm.generate([[1, 2], [3]], greedy(extra_args={"count": True}))
    assert [tokens(output) for output in outputs] == [[100, 101, 102, 103, 104, 105]] * 2
    (output,) = llm.generate([[1, 2]], GREEDY)
    assert tokens(output) != [100, 101, 102, 103, 104, 105]


def test_a_list_of_one_params_gives_each_prompt_a_rule_of_its_own(model):
    seen = {}

    def rule(prompt_ids, output_ids, logits):
        seen.setdefault(tuple(prompt_ids), []).append(list(output_ids))

    llm = LLM(model, max_model_len=256, logits_processors=[rule])
    prompts = [{"prompt_token_ids": [5, 6, 7]}, {"prompt_token_ids": [8, 9]}]
    outputs = llm.generate(prompts, [greedy()])
    for prompt, output in zip(prompts, outputs, strict=True):
        ids = list(output.outputs[0].token_ids)
        assert seen[tuple(prompt["prompt_token_ids"])] == [ids[:n] for n in range(len(ids))]


def test_an_engine_ends_with_its_last_user(model):
    llm = LLM(model, max_model_len=256, logits_processors=[ForcedToken])
    ended = weakref.ref(llm._processors)
    gc.disable()
    try:
        del llm
        assert ended() is None, "something holds it in a circle"
    finally:
        gc.enable()


def test_a_rule_can_be_named(model, tmp_path, monkeypatch):
    code = "def rule(output_ids, logits):\n    logits[:] = 0\n    logits[42] = 1\n"
    (tmp_path / "own_rules.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    llm = LLM(model=model, max_model_len=256, logits_processors=["own_rules:rule"])
    assert tokens(llm.generate("Hello", GREEDY)[0]) == [42] * 6
    for name in ("own_rules", "own_rules:", "own_rules:other", "no_such_module:rule"):
        with pytest.raises(ValueError, match="logits_processors: '"):
            LLM(model=model, max_model_len=256, logits_processors=[name])


@pytest.mark.parametrize("options", [{}, {"async_scheduling": True}, {"scheduler": "v0"}])
def test_an_exception_fails_its_request_alone(model, options):
    llm = LLM(model=model, max_model_len=256, logits_processors=[ForcedToken], **options)
    failing = greedy(extra_args={"forced": 5, "fails_at": 3})
    outputs = llm.generate(
        ["Hello"] * 4, [GREEDY, failing, greedy(extra_args={"forced": 5}), GREEDY]
    )
    reasons = [output.outputs[0].finish_reason for output in outputs]
    assert reasons == ["length", "error", "length", "length"]
    assert [output.error for output in outputs] == [
        None,
        "A logits processor failed: KeyError: 'no such rule'",
        None,
        None,
    ]
    assert tokens(outputs[1]) == [5] * 3 and tokens(outputs[2]) == [5] * 6
    assert tokens(outputs[0]) == tokens(outputs[3])
    assert len(tokens(llm.generate("Hello", GREEDY)[0])) == 6


class Banning(AdapterLogitsProcessor):
    """extra_args={"bans_at": n}: every token is banned as the n-th one."""

    def is_argmax_invariant(self):
        return False

    def new_req_logits_processor(self, params):
        bans_at = (params.extra_args or {}).get("bans_at")

        def apply(output_ids, logits):
            if len(output_ids) == bans_at:
                logits[:] = -np.inf

        return None if bans_at is None else apply


@pytest.mark.parametrize("options", [{}, {"async_scheduling": True}, {"scheduler": "v0"}])
@pytest.mark.parametrize("temperature", [0, 1])
def test_a_rule_that_bans_every_token_fails_its_request_alone(model, options, temperature):
    llm = LLM(model=model, max_model_len=256, logits_processors=[Banning], **options)
    banned, plain = (
        SamplingParams(temperature=temperature, max_tokens=6, ignore_eos=True, extra_args=extra)
        for extra in ({"bans_at": 2}, None)
    )
    outputs = llm.generate(["Hello", "Hello", "World"], [plain, banned, plain])
    assert [output.outputs[0].finish_reason for output in outputs] == ["length", "error", "length"]
    assert outputs[1].error.startswith("After the logits processors every logit is -infinity or")
    assert "a processor must leave at least one" in outputs[1].error
    assert [len(tokens(output)) for output in outputs] == [6, 2, 6]
    assert len(tokens(llm.generate("Hello", plain)[0])) == 6


def test_logits_that_are_kept_fail_the_request(model):
    kept = []
    llm = LLM(
        model=model,
        max_model_len=256,
        logits_processors=[lambda output_ids, logits: kept.append(logits[1:])],
    )
    (output,) = llm.generate("Hello", GREEDY)
    assert output.outputs[0].finish_reason == "error"
    assert "keep logits.copy() instead" in output.error
    kept.clear()


def test_what_is_returned_must_be_a_row(model):
    llm = LLM(model=model, max_model_len=256, logits_processors=[lambda output_ids, logits: 5])
    (output,) = llm.generate("Hello", GREEDY)
    assert "TypeError: A logits processor must return None or logits" in output.error


def test_bad_arguments_are_refused_before_anything_runs(forced_llm):
    with pytest.raises(ValueError, match="forced must be an int, got 'x'"):
        forced_llm.generate(["Hello", "Hello"], greedy(extra_args={"forced": "x"}))
    with pytest.raises(ValueError, match="vocabulary"):
        forced_llm.generate([[5], [10**9]], greedy(extra_args={"forced": 5}))
    assert tokens(forced_llm.generate([[5]], greedy(extra_args={"forced": 5}))[0]) == [5] * 6
    with pytest.raises(TypeError, match="extra_args must be a dict"):
        SamplingParams(extra_args=[1])
    with pytest.raises(ValueError, match="beam_search"):
        forced_llm.beam_search(["Hello"], BeamSearchParams(beam_width=2, max_tokens=2))


def test_extra_args_that_nobody_reads_are_refused(llm):
    with pytest.raises(ValueError, match="nothing reads them: this engine has no logits_proc"):
        llm.generate("Hello", greedy(extra_args={"forced": 1}))


def test_bad_processors_are_refused(model):
    class Invariant(ForcedToken):
        def is_argmax_invariant(self):
            return True

    with pytest.raises(ValueError, match=r"Invariant\.is_argmax_invariant"):
        LLM(model=model, max_model_len=256, logits_processors=[Invariant])
    for given in ([dict], [5], "own_rules:rule", 7):
        with pytest.raises(TypeError, match="logits_processors"):
            LLM(model=model, max_model_len=256, logits_processors=given)


@pytest.mark.parametrize("value", [None, "1"])
def test_v1_refuses_functions_of_a_request(monkeypatch, model, value):
    """The engine is there before any request, so unset does not fall back for one."""
    if value is not None:
        monkeypatch.setenv("VLLM_USE_V1", value)
    params = greedy(logits_processors=[lambda output_ids, logits: force(33, logits)])
    engine = LLM(model=model, max_model_len=256)
    with pytest.raises(ValueError) as error:
        engine.generate("Hello", params)
    assert str(error.value) == V1_REFUSES
    with pytest.raises(ValueError, match="V1 does not support per request user provided logits"):
        engine.generate(["Hello", "Hello"], [GREEDY, params])
    assert len(tokens(engine.generate("Hello", greedy(logits_processors=[]))[0])) == 6


def test_every_engine_of_v1_refuses_them(model):
    params = greedy(logits_processors=[lambda output_ids, logits: None])
    engine = LLMEngine(model=model, max_model_len=256)
    with pytest.raises(ValueError, match=r"V1 does not support .*VLLM_USE_V1=0"):
        engine.add_request("a", "Hello", params)
    assert not engine.has_unfinished_requests()

    async def run():
        async_llm = AsyncLLM(model=model, max_model_len=256)
        with pytest.raises(ValueError, match=r"V1 does not support .*VLLM_USE_V1=0"):
            await anext(async_llm.generate("Hello", params, "a"))
        async_llm.shutdown()

    asyncio.run(run())


def test_v0_takes_functions_of_a_request(monkeypatch, model):
    monkeypatch.setenv("VLLM_USE_V1", "0")
    params = greedy(logits_processors=[lambda output_ids, logits: force(33, logits)])
    old = LLM(model=model, max_model_len=256)
    assert old._native.uses_v0()
    outputs = old.generate(["Hello", "Hello"], [params, GREEDY])
    assert tokens(outputs[0]) == [33] * 6 != tokens(outputs[1])
    with pytest.raises(TypeError, match="logits_processors must be a list"):
        SamplingParams(logits_processors=force)


def test_the_guide_says_the_same():
    guide = (ROOT / "docs/migration-v0-v1.md").read_text(encoding="utf-8")
    assert V1_REFUSES in " ".join(guide.split())


def test_the_other_engines_take_them_too(model):
    engine = LLMEngine(model=model, max_model_len=256, logits_processors=[ForcedToken])
    engine.add_request("a", "Hello", greedy(extra_args={"forced": 3}))
    outputs = []
    while engine.has_unfinished_requests():
        outputs += engine.step()
    assert tokens(outputs[-1]) == [3] * 6

    async def last_output():
        async_llm = AsyncLLM(model=model, max_model_len=256, logits_processors=[ForcedToken])
        async for output in async_llm.generate("Hello", greedy(extra_args={"forced": 4}), "a"):
            last = output
        async_llm.shutdown()
        return last

    assert tokens(asyncio.run(last_output())) == [4] * 6


def test_what_a_request_held_is_let_go(forced_llm):
    class Witness(dict):
        pass

    def alive():
        gc.collect()
        return sum(isinstance(one, Witness) for one in gc.get_objects())

    for _ in range(5):
        forced_llm.generate("Hello", greedy(extra_args=Witness(forced=3)))
    forced_llm.generate("Hello", greedy(extra_args={"forced": 3}))
    assert alive() <= 1


LEAVES = """
import sys, time
from vllm import LLM, LLMEngine, SamplingParams
from vllm.v1.sample.logits_processor import AdapterLogitsProcessor
endless = SamplingParams(max_tokens=1900, ignore_eos=True)
def rule(output_ids, logits):
    time.sleep(0.001)
class Rule(AdapterLogitsProcessor):
    def is_argmax_invariant(self):
        return False
    def new_req_logits_processor(self, params):
        return rule
for end, given in (("delete", rule), ("delete", Rule), ("exit", Rule)):
    engine = LLMEngine(sys.argv[1], max_model_len=2000, logits_processors=[given])
    engine.add_request("a", "Hello", endless)
    engine.step()
    if end == "delete":
        del engine
print("done")
"""


def test_an_engine_may_end_while_its_rules_run(model):
    result = subprocess.run(
        [sys.executable, "-c", LEAVES, model],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr
