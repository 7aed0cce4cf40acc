"""SamplingParams: vLLM's decisions and messages."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vllm import SamplingParams
from vllm.sampling_params import (
    BeamSearchParams,
    RepetitionDetectionParams,
    RequestOutputKind,
)


def test_defaults_are_those_of_vllm():
    params = SamplingParams()
    assert (params.n, params.temperature, params.top_p, params.top_k) == (1, 1.0, 1.0, 0)
    assert (params.max_tokens, params.min_tokens, params.seed, params.stop) == (16, 0, None, [])
    assert params.output_kind == RequestOutputKind.CUMULATIVE
    assert params.logit_bias is None
    assert params.detokenize and params.skip_special_tokens


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("n", 0, "n must be at least 1, got 0."),
        ("temperature", -0.1, "temperature must be non-negative, got -0.1."),
        ("top_p", 0.0, "top_p must be in (0, 1], got 0."),
        ("top_p", 1.5, "top_p must be in (0, 1], got 1.5."),
        ("top_k", -2, "top_k must be 0 (disable), or at least 1, got -2."),
        ("min_p", 1.5, "min_p must be in [0, 1], got 1.5."),
        ("presence_penalty", 3.0, "presence_penalty must be in [-2, 2], got 3."),
        ("frequency_penalty", -2.5, "frequency_penalty must be in [-2, 2], got -2.5."),
        ("repetition_penalty", 0.0, "repetition_penalty must be greater than zero, got 0."),
        ("max_tokens", 0, "max_tokens must be at least 1, got 0."),
        ("min_tokens", -1, "min_tokens must be greater than or equal to 0, got -1."),
        ("stop", [""], "stop cannot contain an empty string."),
        ("logprobs", -2, "logprobs must be non-negative or -1, got -2."),
    ],
)
def test_a_wrong_value_is_a_value_error_with_vllms_words(field, value, message):
    with pytest.raises(ValueError) as error:
        SamplingParams(**{field: value})
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", 1.5),
        ("n", True),
        ("temperature", "hot"),
        ("max_tokens", "16"),
        ("stop", 5),
        ("stop", [1]),
        ("stop_token_ids", "ab"),
        ("ignore_eos", 1),
        ("logit_bias", [1]),
        ("output_kind", "delta"),
        ("output_kind", None),
        ("repetition_detection", {"min_count": 2}),
    ],
)
def test_a_wrong_type_is_a_type_error_that_names_the_field(field, value):
    with pytest.raises(TypeError, match=field):
        SamplingParams(**{field: value})


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError, match="Unexpected keyword argument 'temprature'"):
        SamplingParams(temprature=0.5)


@pytest.mark.parametrize("field", ["structured_outputs", "thinking_token_budget", "best_of"])
def test_what_is_not_there_is_refused_with_a_sentence(field):
    assert SamplingParams(**{field: None}).n == 1
    with pytest.raises(ValueError, match=f"{field}: .+"):
        SamplingParams(**{field: object()})


def test_greedy_with_several_completions_is_refused():
    with pytest.raises(ValueError, match=r"n must be 1 when using greedy sampling, got 2\."):
        SamplingParams(n=2, temperature=0)


def test_one_stop_string_becomes_a_list():
    assert SamplingParams(stop="end").stop == ["end"]


def test_a_seed_of_minus_one_is_none():
    assert SamplingParams(seed=-1).seed is None


@given(
    st.fixed_dictionaries(
        {
            "temperature": st.floats(-1, 3),
            "top_p": st.floats(-0.5, 1.5),
            "top_k": st.integers(-3, 50),
            "min_p": st.floats(-0.5, 1.5),
            "max_tokens": st.integers(-1, 5),
        }
    )
)
def test_exactly_the_ranges_of_vllm_are_accepted(values):
    is_allowed = (
        values["temperature"] >= 0
        and 0 < values["top_p"] <= 1
        and values["top_k"] >= -1
        and 0 <= values["min_p"] <= 1
        and values["max_tokens"] >= 1
    )
    if is_allowed:
        SamplingParams(**values)
    else:
        with pytest.raises(ValueError):
            SamplingParams(**values)


def test_copies_and_pickles_are_equal():
    params = SamplingParams(
        n=3, stop=["a", "b"], logit_bias={3: 1.5}, seed=7, output_kind=RequestOutputKind.DELTA
    )
    for other in (pickle.loads(pickle.dumps(params)), copy.deepcopy(params), params.clone()):
        assert other == params
        assert repr(other) == repr(params)
    assert SamplingParams(n=2) != params


def test_a_pickle_has_the_rule_against_repetition():
    params = SamplingParams(repetition_detection=RepetitionDetectionParams(max_pattern_size=9))
    found = pickle.loads(pickle.dumps(params)).repetition_detection
    assert (found.max_pattern_size, found.min_pattern_size, found.min_count) == (9, 1, 2)


def test_copies_have_extra_args_of_their_own():
    params = SamplingParams(extra_args={"words": ["a"]})
    for other in (copy.deepcopy(params), params.clone()):
        other.extra_args["words"].append("b")
    assert params.extra_args == {"words": ["a"]}


def test_repr_names_each_field():
    text = repr(SamplingParams(temperature=0.5, max_tokens=7))
    assert text.startswith("SamplingParams(n=1, ")
    assert "temperature=0.5" in text and "max_tokens=7" in text


def test_fields_can_be_set_later():
    params = SamplingParams()
    params.max_tokens = 3
    params.stop = "x"
    assert (params.max_tokens, params.stop) == (3, ["x"])
    with pytest.raises(TypeError, match="max_tokens"):
        params.max_tokens = "many"


def test_beam_search_params():
    params = BeamSearchParams(beam_width=2, max_tokens=5)
    assert (params.length_penalty, params.temperature, params.ignore_eos) == (1.0, 0.0, False)
