"""Methods of vLLM's engines that are not here: each says what to do instead."""

from __future__ import annotations

from typing import Any, NoReturn

_NO_POOLING = (
    "Only models that generate text run here: take another engine for embeddings, classes, rewards "
    "and scores."
)
_NO_WORKERS = (
    "There are no worker processes and no torch model to call into: read weights from the "
    "checkpoint, and the engine's state from its metrics."
)
_NO_UPDATES = "Weights are loaded once, at start: make a new engine for others."
_NO_LORA = "LoRA adapters are not supported: merge the adapter into the model."
_NO_SCALING = "One process serves one copy of the model: start more of them behind a balancer."


class _AbsentOfAll:
    """Of every engine."""

    def collective_rpc(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_WORKERS)


class AbsentOfLLM(_AbsentOfAll):
    """Of LLM alone."""

    def encode(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def embed(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def classify(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def reward(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def score(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def apply_model(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_WORKERS)

    def init_weight_transfer_engine(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_UPDATES)

    def start_weight_update(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_UPDATES)

    def update_weights(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_UPDATES)

    def finish_weight_update(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_UPDATES)


class AbsentOfLLMEngine(_AbsentOfAll):
    """Of LLMEngine and AsyncLLM."""

    def add_lora(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_LORA)

    def remove_lora(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_LORA)

    def list_loras(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_LORA)

    def pin_lora(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_LORA)


class AbsentOfAsyncLLM(AbsentOfLLMEngine):
    """Of AsyncLLM alone."""

    def encode(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_POOLING)

    def scale_elastic_ep(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(_NO_SCALING)
