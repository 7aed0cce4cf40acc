"""The forms of a prompt: what vLLM takes is taken, anything else is one clear error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vllm import SamplingParams

ONE_TOKEN = SamplingParams(temperature=0, max_tokens=1)
# The engine is shared by all examples; how fast they are is not measured here.
FAST = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

token_ids = st.lists(st.integers(0, 4095), min_size=1, max_size=40)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
salts = st.dictionaries(st.just("cache_salt"), texts | st.none(), max_size=1)
id_prompts = (
    token_ids
    | token_ids.map(tuple)
    | st.tuples(token_ids, salts).map(lambda pair: {"prompt_token_ids": pair[0], **pair[1]})
)
text_prompts = texts | st.tuples(texts, salts).map(lambda pair: {"prompt": pair[0], **pair[1]})

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["prompt", "prompt_token_ids", "cache_salt", "other"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def ids_of(prompt):
    return list(prompt["prompt_token_ids"] if isinstance(prompt, dict) else prompt)


def text_of(prompt):
    return prompt["prompt"] if isinstance(prompt, dict) else prompt


@FAST
@given(st.lists(id_prompts, min_size=1, max_size=5))
def test_token_ids_reach_the_engine_as_they_are(llm, prompts):
    outputs = llm.generate(prompts, ONE_TOKEN, use_tqdm=False)
    assert [output.prompt_token_ids for output in outputs] == [ids_of(p) for p in prompts]


@FAST
@given(st.lists(text_prompts, min_size=1, max_size=5))
def test_texts_are_what_the_tokenizer_makes_of_them(llm, prompts):
    tokenizer = llm.get_tokenizer()
    for prompt, output in zip(
        prompts, llm.generate(prompts, ONE_TOKEN, use_tqdm=False), strict=True
    ):
        assert output.prompt == text_of(prompt)
        assert output.prompt_token_ids == tokenizer.encode(text_of(prompt))


@FAST
@given(id_prompts | texts)
def test_one_prompt_needs_no_list(llm, prompt):
    (alone,) = llm.generate(prompt, ONE_TOKEN, use_tqdm=False)
    (listed,) = llm.generate([prompt], ONE_TOKEN, use_tqdm=False)
    assert alone.prompt_token_ids == listed.prompt_token_ids
    assert alone.outputs[0].token_ids == listed.outputs[0].token_ids


@FAST
@given(anything)
def test_anything_else_is_an_error_that_says_why(llm, prompt):
    try:
        outputs = llm.generate(prompt, ONE_TOKEN, use_tqdm=False)
    except (TypeError, ValueError) as error:
        assert len(str(error)) > 10
    else:
        assert all(output.finished for output in outputs)


@pytest.mark.parametrize(
    ("prompt", "error", "message"),
    [
        (3, TypeError, "prompt must be a str, a list of token ids, or a dict"),
        ([[1, 2], 3], TypeError, "prompt must be a str, a list of token ids, or a dict"),
        ([1, "a"], TypeError, "prompt_token_ids must be an integer, got 'a'"),
        ({"prompt": 3}, TypeError, "prompt must be a string, got 3"),
        ({}, TypeError, "prompt must be a str, a list of token ids, or a dict"),
        ("\ud800", ValueError, "surrogates not allowed"),
        ({"multi_modal_data": {"image": 1}, "prompt": "a"}, ValueError, "Only text models"),
    ],
)
def test_the_errors_name_what_is_wrong(llm, prompt, error, message):
    with pytest.raises(error) as raised:
        llm.generate(prompt, ONE_TOKEN)
    assert message in str(raised.value)


def test_no_prompts_have_no_outputs(llm):
    assert llm.generate([], ONE_TOKEN) == []
