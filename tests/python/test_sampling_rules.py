"""SamplingParams, field by field: the values that vLLM accepts are accepted, and no others."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vllm import SamplingParams

NUMBERS = st.one_of(st.floats(-4, 4), st.integers(-4, 4))
TEXTS = st.one_of(st.text(max_size=3), st.lists(st.text(max_size=3), max_size=3))
IDS = st.lists(st.integers(0, 4000), max_size=200)


def at_least(bound):
    return lambda value: value >= bound


def within(low, high):
    return lambda value: low <= value <= high


def has_no_empty_text(value):
    return all([value] if isinstance(value, str) else value)


# Field: values, which of them are allowed when they stand alone, and how the others are named.
RULES = {
    "n": (st.integers(-2, 20000), within(1, 16384), "n must be at"),
    "presence_penalty": (NUMBERS, within(-2, 2), "presence_penalty must be in [-2, 2], got"),
    "frequency_penalty": (NUMBERS, within(-2, 2), "frequency_penalty must be in [-2, 2], got"),
    "repetition_penalty": (NUMBERS, lambda x: x > 0, "repetition_penalty must be greater than z"),
    "temperature": (NUMBERS, at_least(0), "temperature must be non-negative, got"),
    "top_p": (NUMBERS, lambda x: 0 < x <= 1, "top_p must be in (0, 1], got"),
    "top_k": (st.integers(-3, 2**31 - 1), at_least(-1), "top_k must be 0 (disable), or at least 1"),
    "min_p": (NUMBERS, within(0, 1), "min_p must be in [0, 1], got"),
    "max_tokens": (st.integers(-3, 2**31 - 1), at_least(1), "max_tokens must be at least 1, got"),
    "min_tokens": (st.integers(-3, 20), within(0, 16), "min_tokens must be"),
    "logprobs": (st.integers(-4, 20), at_least(-1), "logprobs must be non-negative or -1, got"),
    "prompt_logprobs": (st.integers(-4, 20), at_least(-1), "prompt_logprobs must be non-neg"),
    "stop": (TEXTS, has_no_empty_text, "stop cannot contain an empty string."),
    "bad_words": (TEXTS, has_no_empty_text, "bad_words cannot contain an empty string."),
    "allowed_token_ids": (IDS, lambda ids: len(ids) > 0, "allowed_token_ids"),
    "logprob_token_ids": (IDS, lambda ids: len(ids) <= 128, "logprob_token_ids"),
}


@pytest.mark.parametrize("field", RULES)
@given(data=st.data())
def test_the_rule_of_a_field(field, data):
    values, is_allowed, words = RULES[field]
    value = data.draw(values)
    if is_allowed(value):
        SamplingParams(**{field: value})
        return
    with pytest.raises(ValueError) as error:
        SamplingParams(**{field: value})
    assert words in str(error.value)


@given(st.integers(-3, 12), st.integers(1, 8))
def test_min_tokens_are_at_most_max_tokens(min_tokens, max_tokens):
    if 0 <= min_tokens <= max_tokens:
        SamplingParams(min_tokens=min_tokens, max_tokens=max_tokens)
    else:
        with pytest.raises(ValueError, match="min_tokens must be"):
            SamplingParams(min_tokens=min_tokens, max_tokens=max_tokens)


@given(st.floats(0, 0.02))
def test_temperature_0_is_greedy_and_tiny_ones_are_raised(temperature):
    params = SamplingParams(temperature=temperature, top_p=0.5, top_k=7, min_p=0.1)
    if temperature == 0:
        assert (params.temperature, params.top_p, params.top_k, params.min_p) == (0, 1, 0, 0)
    else:
        assert params.temperature == max(temperature, 0.01) and params.top_k == 7


@given(st.dictionaries(st.integers(0, 4000), st.floats(-300, 300), max_size=4))
def test_biases_are_clamped(bias):
    kept = SamplingParams(logit_bias=bias).logit_bias or {}
    assert kept.keys() == bias.keys()
    for token_id, value in bias.items():
        assert math.isclose(kept[token_id], min(max(value, -100), 100), abs_tol=1e-4)


WRONG_TYPES = st.one_of(st.binary(max_size=2), st.complex_numbers(), st.just(object()), st.just({}))


@pytest.mark.parametrize("field", sorted(set(RULES) | {"seed", "stop_token_ids", "ignore_eos"}))
@given(value=WRONG_TYPES)
def test_other_types_are_type_errors(field, value):
    with pytest.raises(TypeError, match=field):
        SamplingParams(**{field: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["temperature", "top_p", "min_p", "presence_penalty"])
def test_what_is_no_number_is_refused(field, value):
    with pytest.raises(ValueError, match=field):
        SamplingParams(**{field: value})
