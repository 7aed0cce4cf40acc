"""vllm.inputs: the forms of a prompt."""

from __future__ import annotations

from typing import TypedDict


class _CacheSalt(TypedDict, total=False):
    cache_salt: str  # prompts share cached blocks only under the same salt


class TextPrompt(_CacheSalt):
    prompt: str


class _PromptText(_CacheSalt, total=False):
    prompt: str  # what outputs show


class TokensPrompt(_PromptText):
    prompt_token_ids: list[int]


PromptType = str | list[int] | TextPrompt | TokensPrompt

__all__ = ["PromptType", "TextPrompt", "TokensPrompt"]
