"""LLMEngine on the V1 scheduler."""

from __future__ import annotations

import quire.llm_engine


class LLMEngine(quire.llm_engine.LLMEngine):
    """The engine with V1's scheduler."""

    _bound_scheduler = "v1"
