"""Offline inference: prompts in, completions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quire._quire import BeamSearchParams, NativeLLM, SamplingParams
from quire.engine_args import EngineArgs, engine_options
from quire.engine_controls import EngineControls
from quire.fork_guard import guard
from quire.outputs import BeamSearchOutput, BeamSearchSequence, RequestOutput
from quire.refusals import refuse_connector, refuse_lora
from quire.tokenizer import Tokenizer, chat_request


class LLM(EngineControls):
    """A model with its engine.

    model: folder or Hugging Face repository. Every further keyword is an engine option by vLLM's
    name (max_model_len, enable_prefix_caching, …). ValueError for what the model or the machine
    cannot serve, TypeError for unknown names.
    """

    # Which scheduler a class is bound to ("v0", "v1"); None: VLLM_USE_V1 when an LLM is made.
    _bound_scheduler: str | None = None

    def __init__(self, model: str, **kwargs: Any):
        self._native = NativeLLM(engine_options(model, kwargs, self._bound_scheduler))
        guard(self)

    @classmethod
    def from_engine_args(cls, engine_args: EngineArgs) -> LLM:
        return cls(**engine_args.as_kwargs())

    def generate(
        self,
        prompts: Any,
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        use_tqdm: bool = True,
        lora_request: Any = None,
        priority: list[int] | None = None,
    ) -> list[RequestOutput]:
        """Completes a prompt or a list of them, in their order.

        A prompt is a str, a list of token ids, {"prompt": …} or {"prompt_token_ids": …}.
        sampling_params: one for all or one per prompt; default: the model's.
        """
        refuse_lora(lora_request)
        params = self._params(sampling_params)
        self._check_awake()
        return self._native.generate(prompts, params, bool(use_tqdm), priority or [])

    def chat(
        self,
        messages: list[dict[str, Any]] | list[list[dict[str, Any]]],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        use_tqdm: bool = True,
        lora_request: Any = None,
        chat_template: str | None = None,
        chat_template_content_format: str = "auto",
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tools: list[dict[str, Any]] | None = None,
        chat_template_kwargs: dict[str, Any] | None = None,
    ) -> list[RequestOutput]:
        """Answers one conversation or a list of them.

        chat_template: source of a template (Jinja) instead of the model's.
        """
        refuse_lora(lora_request)
        if chat_template_content_format != "auto":
            raise ValueError("chat_template_content_format: it is read off the template; use auto.")
        conversations = messages if messages and isinstance(messages[0], list) else [messages]
        prompts = []
        for conversation in conversations:
            request = chat_request(
                conversation,
                tools=tools,
                add_generation_prompt=add_generation_prompt,
                continue_final_message=continue_final_message,
                chat_template_kwargs=chat_template_kwargs,
            )
            text, token_ids = self._native.render_chat(request, chat_template)
            prompts.append({"prompt": text, "prompt_token_ids": token_ids})
        params = self._params(sampling_params)
        self._check_awake()
        return self._native.generate(prompts, params, bool(use_tqdm), [])

    def beam_search(self, prompts: Any, params: BeamSearchParams) -> list[BeamSearchOutput]:
        """The beam_width likeliest completions of each prompt, best first."""
        self._check_awake()
        return [
            BeamSearchOutput([BeamSearchSequence(*beam) for beam in beams])
            for beams in self._native.beam_search(prompts, params)
        ]

    def get_tokenizer(self) -> Tokenizer:
        """ValueError with skip_tokenizer_init=True."""
        tokenizer = self._native.tokenizer()
        if tokenizer is None:
            raise ValueError("skip_tokenizer_init=True: this engine has no tokenizer.")
        return Tokenizer(tokenizer, self._native)

    def get_default_sampling_params(self) -> SamplingParams:
        """generation_config.json's values over vLLM's defaults."""
        return self._native.default_sampling_params()

    def reset_prefix_cache(
        self, reset_running_requests: bool = False, reset_connector: bool = False
    ) -> bool:
        """Forgets the prefix cache; False: blocks are in use, and nothing was forgotten."""
        refuse_connector(reset_connector)
        return self._native.reset_prefix_cache(reset_running_requests)

    def _check_awake(self) -> None:
        if self._native.is_sleeping():
            raise RuntimeError("The engine sleeps: call wake_up() first.")

    def _params(self, params: Any) -> Any:
        return self.get_default_sampling_params() if params is None else params
