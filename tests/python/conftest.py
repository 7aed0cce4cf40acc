"""What all tests of the Python package share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "models/small-chat")


@pytest.fixture(autouse=True)
def engine_is_not_chosen(monkeypatch):
    """Each test begins without VLLM_USE_V1."""
    monkeypatch.delenv("VLLM_USE_V1", raising=False)


@pytest.fixture(scope="session")
def model() -> str:
    return MODEL


@pytest.fixture(scope="session")
def llm(model):
    """One engine for the tests that only generate."""
    from vllm import LLM

    os.environ.pop("VLLM_USE_V1", None)
    return LLM(model=model, max_model_len=512)
