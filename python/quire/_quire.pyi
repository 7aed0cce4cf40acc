from collections.abc import Sequence
import enum


__version__: str

def engine_fields() -> list: ...

def foreign_option(name: str) -> tuple[str, str] | None: ...

def keep_forever(object: object) -> None: ...

class RequestOutputKind(enum.Enum):
    CUMULATIVE = 0

    DELTA = 1

    FINAL_ONLY = 2

class RepetitionDetectionParams:
    def __init__(self, max_pattern_size: int = 0, min_pattern_size: int = 1, min_count: int = 2) -> None: ...

    @property
    def max_pattern_size(self) -> int: ...

    @max_pattern_size.setter
    def max_pattern_size(self, arg: int, /) -> None: ...

    @property
    def min_pattern_size(self) -> int: ...

    @min_pattern_size.setter
    def min_pattern_size(self, arg: int, /) -> None: ...

    @property
    def min_count(self) -> int: ...

    @min_count.setter
    def min_count(self, arg: int, /) -> None: ...

    def __getstate__(self) -> tuple: ...

    def __setstate__(self, arg: tuple[int, int, int], /) -> None: ...

class SamplingParams:
    """How to sample one request. Names, defaults and rules are vLLM's."""

    def __init__(self, *, n: int = 1, presence_penalty: float = 0.0, frequency_penalty: float = 0.0, repetition_penalty: float = 1.0, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0, min_p: float = 0.0, seed: int | None = None, stop: str | list[str] | None = [], stop_token_ids: list[int] | None = [], ignore_eos: bool = False, max_tokens: int | None = 16, min_tokens: int = 0, logprobs: int | None = None, prompt_logprobs: int | None = None, logprob_token_ids: list[int] | None = None, detokenize: bool = True, skip_special_tokens: bool = True, spaces_between_special_tokens: bool = True, include_stop_str_in_output: bool = False, allowed_token_ids: list[int] | None = None, bad_words: str | list[str] | None = [], skip_reading_prefix_cache: bool | None = None, logit_bias: dict[int, float] | None = None, output_kind: RequestOutputKind = ..., repetition_detection: RepetitionDetectionParams | None = None, extra_args: dict[str, Any] | None = None, logits_processors: list[Callable[..., Any]] | None = None) -> None: ...

    @property
    def n(self) -> int:
        """Completions per prompt."""

    @n.setter
    def n(self, value: object | None) -> None: ...

    @property
    def presence_penalty(self) -> float:
        """Against tokens that occurred, [-2, 2]."""

    @presence_penalty.setter
    def presence_penalty(self, value: object | None) -> None: ...

    @property
    def frequency_penalty(self) -> float:
        """The same, per occurrence, [-2, 2]."""

    @frequency_penalty.setter
    def frequency_penalty(self, value: object | None) -> None: ...

    @property
    def repetition_penalty(self) -> float:
        """
        Divides the logits of tokens that occurred in prompt or output; > 0, 1 is off.
        """

    @repetition_penalty.setter
    def repetition_penalty(self, value: object | None) -> None: ...

    @property
    def temperature(self) -> float:
        """0 is greedy; higher is more random."""

    @temperature.setter
    def temperature(self, value: object | None) -> None: ...

    @property
    def top_p(self) -> float:
        """Smallest set of tokens with this probability, (0, 1]."""

    @top_p.setter
    def top_p(self, value: object | None) -> None: ...

    @property
    def top_k(self) -> int:
        """Only the k likeliest tokens; 0 is off."""

    @top_k.setter
    def top_k(self, value: object | None) -> None: ...

    @property
    def min_p(self) -> float:
        """Tokens below min_p times the best probability are dropped."""

    @min_p.setter
    def min_p(self, value: object | None) -> None: ...

    @property
    def seed(self) -> int | None:
        """Makes this request's sampling repeatable."""

    @seed.setter
    def seed(self, value: object | None) -> None: ...

    @property
    def stop(self) -> list[str]:
        """Texts that end the output."""

    @stop.setter
    def stop(self, value: object | None) -> None: ...

    @property
    def stop_token_ids(self) -> list[int]:
        """Token ids that end the output."""

    @stop_token_ids.setter
    def stop_token_ids(self, value: object | None) -> None: ...

    @property
    def ignore_eos(self) -> bool:
        """Go on after the end-of-text token."""

    @ignore_eos.setter
    def ignore_eos(self, value: object | None) -> None: ...

    @property
    def max_tokens(self) -> int | None:
        """Longest output in tokens."""

    @max_tokens.setter
    def max_tokens(self, value: object | None) -> None: ...

    @property
    def min_tokens(self) -> int:
        """Shortest output in tokens."""

    @min_tokens.setter
    def min_tokens(self, value: object | None) -> None: ...

    @property
    def logprobs(self) -> int | None:
        """Likeliest tokens to report per position; -1: all."""

    @logprobs.setter
    def logprobs(self, value: object | None) -> None: ...

    @property
    def prompt_logprobs(self) -> int | None:
        """The same for the prompt."""

    @prompt_logprobs.setter
    def prompt_logprobs(self, value: object | None) -> None: ...

    @property
    def logprob_token_ids(self) -> list[int] | None:
        """Token ids to report instead of the likeliest."""

    @logprob_token_ids.setter
    def logprob_token_ids(self, value: object | None) -> None: ...

    @property
    def detokenize(self) -> bool:
        """Turn the output into text."""

    @detokenize.setter
    def detokenize(self, value: object | None) -> None: ...

    @property
    def skip_special_tokens(self) -> bool:
        """Leave special tokens out of the text."""

    @skip_special_tokens.setter
    def skip_special_tokens(self, value: object | None) -> None: ...

    @property
    def spaces_between_special_tokens(self) -> bool:
        """Put spaces between special tokens."""

    @spaces_between_special_tokens.setter
    def spaces_between_special_tokens(self, value: object | None) -> None: ...

    @property
    def include_stop_str_in_output(self) -> bool:
        """Keep the stop text in the output."""

    @include_stop_str_in_output.setter
    def include_stop_str_in_output(self, value: object | None) -> None: ...

    @property
    def allowed_token_ids(self) -> list[int] | None:
        """Only these tokens may be sampled."""

    @allowed_token_ids.setter
    def allowed_token_ids(self, value: object | None) -> None: ...

    @property
    def bad_words(self) -> list[str]:
        """Words that may not be generated."""

    @bad_words.setter
    def bad_words(self, value: object | None) -> None: ...

    @property
    def skip_reading_prefix_cache(self) -> bool | None:
        """Compute the prompt even where cached blocks exist."""

    @skip_reading_prefix_cache.setter
    def skip_reading_prefix_cache(self, value: object | None) -> None: ...

    @property
    def logit_bias(self) -> object:
        """Token id to what is added to its logit, in [-100, 100]."""

    @logit_bias.setter
    def logit_bias(self, value: object | None) -> None: ...

    @property
    def output_kind(self) -> RequestOutputKind: ...

    @output_kind.setter
    def output_kind(self, arg: object, /) -> None: ...

    @property
    def repetition_detection(self) -> RepetitionDetectionParams | None: ...

    @repetition_detection.setter
    def repetition_detection(self, value: object | None) -> None: ...

    @property
    def extra_args(self) -> object:
        """
        What the custom logits processors of the engine are told of this request.
        """

    @extra_args.setter
    def extra_args(self, value: object | None) -> None: ...

    @property
    def logits_processors(self) -> object:
        """Functions of this request alone, for the V0 engine."""

    @logits_processors.setter
    def logits_processors(self, value: object | None) -> None: ...

    def __repr__(self) -> str: ...

    def __eq__(self, arg: SamplingParams, /) -> bool: ...

    def clone(self) -> SamplingParams: ...

    def __copy__(self) -> SamplingParams: ...

    def __deepcopy__(self, arg: dict, /) -> SamplingParams: ...

    def __getstate__(self) -> dict: ...

    def __setstate__(self, arg: dict, /) -> None: ...

class BeamSearchParams:
    def __init__(self, beam_width: int, max_tokens: int, ignore_eos: bool = False, temperature: float = 0.0, length_penalty: float = 1.0, include_stop_str_in_output: bool = False) -> None: ...

    @property
    def beam_width(self) -> int: ...

    @beam_width.setter
    def beam_width(self, arg: int, /) -> None: ...

    @property
    def max_tokens(self) -> int: ...

    @max_tokens.setter
    def max_tokens(self, arg: int, /) -> None: ...

    @property
    def ignore_eos(self) -> bool: ...

    @ignore_eos.setter
    def ignore_eos(self, arg: bool, /) -> None: ...

    @property
    def temperature(self) -> float: ...

    @temperature.setter
    def temperature(self, arg: float, /) -> None: ...

    @property
    def length_penalty(self) -> float: ...

    @length_penalty.setter
    def length_penalty(self, arg: float, /) -> None: ...

    @property
    def include_stop_str_in_output(self) -> bool: ...

    @include_stop_str_in_output.setter
    def include_stop_str_in_output(self, arg: bool, /) -> None: ...

class NativeTokenizer:
    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]: ...

    def decode(self, token_ids: Sequence[int], skip_special_tokens: bool = False) -> str: ...

    def token_to_id(self, arg: str, /) -> int | None: ...

    def id_to_token(self, arg: int, /) -> str | None: ...

    def is_special(self, arg: int, /) -> bool: ...

    @property
    def vocab_size(self) -> int: ...

    @property
    def bos_token_id(self) -> int | None: ...

    @property
    def eos_token_id(self) -> int | None: ...

    @property
    def pad_token_id(self) -> int | None: ...

    @property
    def unk_token_id(self) -> int | None: ...

class NativeLLM:
    def __init__(self, arg: dict, /) -> None: ...

    def generate(self, prompts: object, params: object, use_tqdm: bool, priorities: Sequence[int], custom: object) -> list: ...

    def enqueue(self, prompts: object, params: object, priorities: Sequence[int], custom: object) -> list[str]: ...

    def wait_for_completion(self, use_tqdm: bool) -> list: ...

    def beam_search(self, prompts: object, params: BeamSearchParams) -> list: ...

    def render_chat(self, request: str, chat_template: str | None) -> tuple[str, list[int]]: ...

    def default_sampling_params(self) -> SamplingParams: ...

    def reset_prefix_cache(self, arg: bool, /) -> bool: ...

    def tokenizer(self) -> NativeTokenizer: ...

    def max_model_len(self) -> int: ...

    def num_unfinished_requests(self) -> int: ...

    def max_num_seqs(self) -> int: ...

    def sleep(self, arg0: int, arg1: str, /) -> bool: ...

    def wake_up(self) -> None: ...

    def is_sleeping(self) -> bool: ...

    def uses_v0(self) -> bool: ...

    def metrics(self) -> list: ...

    def shutdown(self) -> None: ...

class RequestStream:
    def try_next(self) -> object: ...

    def finished(self) -> bool: ...

class NativeEngine:
    def __init__(self, arg: dict, /) -> None: ...

    def add_request(self, key: int, request_id: str, prompt: object, params: SamplingParams, priority: int, custom: object) -> RequestStream: ...

    def abort(self, arg: str, /) -> None: ...

    def ready_fd(self) -> int: ...

    def take_ready(self) -> list[int]: ...

    def wait_ready(self, arg: float, /) -> list[int]: ...

    def render_chat(self, request: str, chat_template: str | None) -> tuple[str, list[int]]: ...

    def default_sampling_params(self) -> SamplingParams: ...

    def reset_prefix_cache(self, arg: bool, /) -> bool: ...

    def pause(self, arg0: str, arg1: bool, /) -> bool: ...

    def resume(self) -> None: ...

    def sleep(self, arg0: int, arg1: str, /) -> bool: ...

    def wake_up(self) -> None: ...

    def is_sleeping(self) -> bool: ...

    def is_paused(self) -> bool: ...

    def tokenizer(self) -> NativeTokenizer: ...

    def max_model_len(self) -> int: ...

    def num_unfinished_requests(self) -> int: ...

    def max_num_seqs(self) -> int: ...

    def dead_reason(self) -> str | None: ...

    def uses_v0(self) -> bool: ...

    def metrics(self) -> list: ...

    def shutdown(self) -> None: ...

def check_command(words: Sequence[str]) -> tuple: ...

def split_line(line: str) -> list[str]: ...

def is_secret(name: str) -> bool: ...

def change_of_option(name: str) -> str | None: ...

def check_variable(name: str, value: str) -> tuple: ...

def check_engine(kwargs: dict, use_v1: str) -> tuple: ...
