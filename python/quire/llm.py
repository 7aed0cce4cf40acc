"""Offline inference: prompts in, completions out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quire._quire import BeamSearchParams, NativeLLM, SamplingParams
from quire.absent import AbsentOfLLM
from quire.engine_args import EngineArgs, engine_options
from quire.engine_controls import EngineControls
from quire.fork_guard import guard
from quire.logits_processors import Processors
from quire.outputs import BeamSearchOutput, BeamSearchSequence, RequestOutput
from quire.refusals import (
    refuse_concurrency_limit,
    refuse_connector,
    refuse_content_format,
    refuse_lora,
    refuse_mm_processor_kwargs,
    refuse_tokenization_kwargs,
)
from quire.tokenizer import Tokenizer, chat_request


class LLM(EngineControls, AbsentOfLLM):
    """A model with its engine.

    model: folder or Hugging Face repository. Every further keyword is an engine option by vLLM's
    name (max_model_len, enable_prefix_caching, …). logits_processors: rules of one's own, see
    quire.logits_processors. ValueError for what the model or the machine cannot serve, TypeError
    for unknown names.
    """

    # Which scheduler a class is bound to ("v0", "v1"); None: VLLM_USE_V1 when an LLM is made.
    _bound_scheduler: str | None = None

    def __init__(
        self, model: str, *, logits_processors: Sequence[Any] | None = None, **kwargs: Any
    ):
        self._native = NativeLLM(engine_options(model, kwargs, self._bound_scheduler))
        self._processors = Processors(self._native, model, logits_processors)
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
        tokenization_kwargs: dict[str, Any] | None = None,
    ) -> list[RequestOutput]:
        """Completes a prompt or a list of them, in their order.

        A prompt is a str, a list of token ids, {"prompt": …} or {"prompt_token_ids": …}.
        sampling_params: one for all or one per prompt; default: the model's.
        """
        refuse_lora(lora_request)
        refuse_tokenization_kwargs(tokenization_kwargs)
        params = self._params(sampling_params)
        self._check_awake()
        return self._native.generate(
            prompts, params, bool(use_tqdm), priority or [], self._processors
        )

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
        tokenization_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[RequestOutput]:
        """Answers one conversation or a list of them.

        chat_template: source of a template (Jinja) instead of the model's.
        """
        refuse_tokenization_kwargs(tokenization_kwargs)
        refuse_mm_processor_kwargs(mm_processor_kwargs)
        prompts = self._render(
            messages,
            chat_template,
            chat_template_content_format,
            tools=tools,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
            chat_template_kwargs=chat_template_kwargs,
        )
        return self.generate(prompts, sampling_params, use_tqdm=use_tqdm, lora_request=lora_request)

    def enqueue(
        self,
        prompts: Any,
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        lora_request: Any = None,
        priority: list[int] | None = None,
        use_tqdm: bool = True,
        tokenization_kwargs: dict[str, Any] | None = None,
    ) -> list[str]:
        """As generate(), but returns at once, with the requests' ids.

        use_tqdm: for what vLLM shows while it adds requests, which takes no time here.
        """
        refuse_lora(lora_request)
        refuse_tokenization_kwargs(tokenization_kwargs)
        params = self._params(sampling_params)
        self._check_awake()
        return self._native.enqueue(prompts, params, priority or [], self._processors)

    def enqueue_chat(
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
        tokenization_kwargs: dict[str, Any] | None = None,
        mm_processor_kwargs: dict[str, Any] | None = None,
    ) -> list[str]:
        """As chat(), but returns at once, with the requests' ids."""
        refuse_tokenization_kwargs(tokenization_kwargs)
        refuse_mm_processor_kwargs(mm_processor_kwargs)
        prompts = self._render(
            messages,
            chat_template,
            chat_template_content_format,
            tools=tools,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=continue_final_message,
            chat_template_kwargs=chat_template_kwargs,
        )
        return self.enqueue(prompts, sampling_params, lora_request)

    def wait_for_completion(
        self, output_type: type | None = None, *, use_tqdm: bool = True
    ) -> list[RequestOutput]:
        """The outputs of all that was enqueued since the last time, in that order."""
        if output_type not in (None, RequestOutput):
            raise ValueError("output_type: requests give RequestOutput: leave it out.")
        return self._native.wait_for_completion(bool(use_tqdm))

    def beam_search(
        self,
        prompts: Any,
        params: BeamSearchParams,
        lora_request: Any = None,
        use_tqdm: bool = False,
        concurrency_limit: int | None = None,
    ) -> list[BeamSearchOutput]:
        """The beam_width likeliest completions of each prompt, best first."""
        refuse_lora(lora_request)
        refuse_concurrency_limit(concurrency_limit)
        if use_tqdm:
            raise ValueError("use_tqdm: a beam search shows no progress bar: leave it out.")
        if self._processors.serves_all:
            raise ValueError(
                "beam_search: an engine's logits_processors do not change beams: make an LLM "
                "without them."
            )
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

    def get_world_size(self, include_dp: bool = True) -> int:
        """Processes that share the model: this one."""
        return 1

    def get_default_sampling_params(self) -> SamplingParams:
        """generation_config.json's values over vLLM's defaults."""
        return self._native.default_sampling_params()

    def reset_prefix_cache(
        self, reset_running_requests: bool = False, reset_connector: bool = False
    ) -> bool:
        """Forgets the prefix cache; False: blocks are in use, and nothing was forgotten."""
        refuse_connector(reset_connector)
        return self._native.reset_prefix_cache(reset_running_requests)

    def _render(
        self, messages: Any, chat_template: str | None, content_format: str, **options: Any
    ) -> list[dict[str, Any]]:
        refuse_content_format(content_format)
        prompts = []
        for conversation in messages if messages and isinstance(messages[0], list) else [messages]:
            request = chat_request(conversation, **options)
            text, token_ids = self._native.render_chat(request, chat_template)
            prompts.append({"prompt": text, "prompt_token_ids": token_ids})
        return prompts

    def _check_awake(self) -> None:
        if self._native.is_sleeping():
            raise RuntimeError("The engine sleeps: call wake_up() first.")

    def _params(self, params: Any) -> Any:
        return self.get_default_sampling_params() if params is None else params
