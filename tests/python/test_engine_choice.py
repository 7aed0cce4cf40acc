"""V0 or V1, as the environment says when a name is fetched."""

import importlib

import pytest

from quire.llm import LLM
from vllm import SamplingParams

GREEDY = SamplingParams(temperature=0, max_tokens=8)


def fetch(module, name):
    return getattr(importlib.import_module(module), name)


def test_two_names_live_side_by_side(monkeypatch, model):
    monkeypatch.setenv("VLLM_USE_V1", "0")
    from vllm import LLM as LLM_V0

    monkeypatch.setenv("VLLM_USE_V1", "1")
    from vllm import LLM as LLM_V1

    v0 = LLM_V0(model=model, max_model_len=256)
    v1 = LLM_V1(model=model, max_model_len=256)
    assert v0._native.uses_v0()
    assert not v1._native.uses_v0()
    prompts = ["Hello world", "Once upon a time"]
    results = [
        [output.outputs[0].token_ids for output in llm.generate(prompts, GREEDY)]
        for llm in (v0, v1)
    ]
    assert results[0] == results[1]


def test_an_unset_variable_is_read_when_the_engine_is_built(monkeypatch, model):
    from vllm import LLM

    assert not LLM(model=model, max_model_len=128)._native.uses_v0()
    monkeypatch.setenv("VLLM_USE_V1", "0")
    assert LLM(model=model, max_model_len=128)._native.uses_v0()


@pytest.mark.parametrize(
    ("value", "module"),
    [("1", "vllm.v1.engine.llm_engine"), ("0", "vllm.engine.llm_engine")],
)
def test_the_engines_module_tells_the_truth(monkeypatch, model, value, module):
    monkeypatch.setenv("VLLM_USE_V1", value)
    engine_class = fetch("vllm.engine.llm_engine", "LLMEngine")
    assert engine_class.__module__ == module
    engine = engine_class(model=model, max_model_len=128)
    assert engine._native.uses_v0() == (value == "0")


V0_OPTIONS = [
    ({"scheduler_delay_factor": 0.5}, "--scheduler-delay-factor"),
    ({"preemption_mode": "swap"}, "--preemption-mode"),
    ({"swap_space": 4}, "--swap-space"),
]


@pytest.mark.parametrize(("option", "flag"), V0_OPTIONS)
def test_v1_refuses_what_only_v0_can(monkeypatch, model, option, flag):
    monkeypatch.setenv("VLLM_USE_V1", "1")
    with pytest.raises(NotImplementedError, match=f"VLLM_USE_V1=1 is not supported with {flag}"):
        fetch("vllm", "LLM")(model=model, **option)
    monkeypatch.setenv("VLLM_USE_V1", "0")
    assert fetch("vllm", "LLM")(model=model, max_model_len=128, **option)._native.uses_v0()


@pytest.mark.parametrize(("option", "flag"), V0_OPTIONS)
def test_such_an_option_falls_back_to_v0_when_nothing_is_chosen(model, option, flag, capfd):
    engine = fetch("vllm", "LLM")(model=model, max_model_len=128, **option)
    assert engine._native.uses_v0()
    log = " ".join(capfd.readouterr().err.split())
    assert f"{flag} is not supported by the V1 Engine. Falling back to V0." in log


@pytest.mark.parametrize("value", ["1", "TRUE", "yes", "On", "0", "false", "No", "OFF", ""])
def test_names_and_engines_read_the_variable_alike(monkeypatch, model, value):
    monkeypatch.setenv("VLLM_USE_V1", value)
    is_v0 = value.lower() in ("0", "false", "no", "off")
    assert (fetch("vllm", "LLM")._bound_scheduler or "v1") == ("v0" if is_v0 else "v1")
    assert LLM(model=model, max_model_len=128)._native.uses_v0() == is_v0, "the native rule"


@pytest.mark.parametrize("value", ["maybe", "2", " 1"])
def test_another_value_is_refused_by_both(monkeypatch, model, value):
    refusal = f"VLLM_USE_V1='{value}' is not a switch: use 1 or 0."
    monkeypatch.setenv("VLLM_USE_V1", value)
    with pytest.raises(ValueError, match=refusal):
        fetch("vllm", "LLM")
    monkeypatch.setattr("quire.engine_args.scheduler_of_environment", lambda: None)
    with pytest.raises(ValueError, match=refusal):
        LLM(model=model, max_model_len=128)
