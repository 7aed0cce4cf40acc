"""The small random checkpoints that make_tiny_models.py makes, and the features that their goldens must see.

Windows, softcaps, epsilons and scales are set so that they bite within 40 tokens; a real checkpoint has
larger ones. Sizes and weights follow no real model.
"""

from dataclasses import dataclass, field

import torch

MIN_CHANGE = 1e-2


@dataclass(frozen=True)
class Mutation:
    """One feature switched off: fields of the configuration replaced, or weights overwritten by a constant."""

    label: str
    config: dict = field(default_factory=dict)
    weights: str = ""
    value: float = 0.0
    min_change: float = MIN_CHANGE


@dataclass(frozen=True)
class Recipe:
    """One checkpoint.

    norm_mean is 0 for the families that multiply by (1 + weight). older_spelling writes config.json as
    before transformers 5. written holds fields of config.json that transformers itself leaves out.
    """

    name: str
    model_type: str
    config: dict
    dtype: torch.dtype = torch.float32
    norm_mean: float = 1.0
    weight_std: float = 0.25
    older_spelling: bool = False
    written: dict = field(default_factory=dict)
    max_shard_size: str = "5GB"
    mutations: tuple = ()


def rope(theta, **scaling):
    """rope_parameters as the newer config.json spells them."""
    return {"rope_type": "default", "rope_theta": theta, **scaling}


SMALL = dict(
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    vocab_size=128,
    max_position_embeddings=128,
    rms_norm_eps=1e-5,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=0,
)
LLAMA3_SCALING = dict(
    rope_type="llama3",
    factor=8.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=32,
)
EPS_TOO_SMALL = Mutation("rms_norm_eps 1e-6", {"rms_norm_eps": 1e-6})
RELU = Mutation("hidden_act relu", {"hidden_act": "relu"})
SHORT_WINDOW = Mutation("window 7 instead of 8", {"sliding_window": 7})


def llama_recipes():
    # Sizes that are no multiple of a vector: the tails of the kernels are seen too.
    odd = SMALL | dict(
        hidden_size=40,
        intermediate_size=72,
        num_attention_heads=5,
        num_key_value_heads=1,
        head_dim=8,
        vocab_size=131,
        rms_norm_eps=1e-2,
    )
    return [
        Recipe(
            "llama",
            "llama",
            odd | dict(tie_word_embeddings=False, rope_parameters=rope(10000.0)),
            mutations=(
                Mutation("rope_theta 500000", {"rope_parameters": rope(500000.0)}),
                EPS_TOO_SMALL,
                RELU,
            ),
        ),
        Recipe(
            "llama_bias",
            "llama",
            SMALL
            | dict(attention_bias=True, tie_word_embeddings=True, rope_parameters=rope(10000.0)),
            dtype=torch.float16,
            older_spelling=True,
            mutations=(
                Mutation("q, k, v bias 0", weights=r"[qkv]_proj\.bias"),
                Mutation("o bias 0", weights=r"o_proj\.bias"),
            ),
        ),
        Recipe(
            "llama_rope_llama3",
            "llama",
            SMALL | dict(rope_parameters=rope(10000.0) | LLAMA3_SCALING, tie_word_embeddings=True),
            dtype=torch.bfloat16,
            mutations=(
                Mutation("no rope scaling", {"rope_parameters": rope(10000.0)}),
                Mutation(
                    "linear, not llama3",
                    {"rope_parameters": rope(10000.0) | dict(rope_type="linear", factor=8.0)},
                ),
            ),
        ),
        Recipe(
            "llama_rope_linear",
            "llama",
            SMALL
            | dict(
                rope_parameters=rope(10000.0) | dict(rope_type="linear", factor=4.0),
                tie_word_embeddings=False,
            ),
            dtype=torch.bfloat16,
            older_spelling=True,
            mutations=(Mutation("no rope scaling", {"rope_parameters": rope(10000.0)}),),
        ),
    ]


WITHOUT_HEAD_DIM = {k: v for k, v in SMALL.items() if k != "head_dim"} | dict(
    hidden_size=64, num_hidden_layers=2
)
GEMMA = SMALL | dict(
    num_hidden_layers=4,
    sliding_window=8,
    query_pre_attn_scalar=24,
    tie_word_embeddings=True,
    hidden_activation="gelu_pytorch_tanh",
)
GEMMA_MUTATIONS = (
    Mutation("no window", {"layer_types": ["full_attention"] * 4}),
    SHORT_WINDOW,
    Mutation("query_pre_attn_scalar = head_dim", {"query_pre_attn_scalar": 16}),
    Mutation("gelu by erf, not tanh", {"hidden_activation": "gelu"}, min_change=5e-4),
    Mutation("silu, not gelu", {"hidden_activation": "silu"}),
)


def mistral_recipe():
    return Recipe(
        "mistral",
        "mistral",
        SMALL | dict(sliding_window=8, tie_word_embeddings=False, rope_parameters=rope(1000000.0)),
        dtype=torch.bfloat16,
        max_shard_size="40KB",
        mutations=(Mutation("no window", {"sliding_window": None}), SHORT_WINDOW),
    )


def qwen2_recipe():
    windows = {"sliding_window": 8, "layer_types": ["sliding_attention"] * 2}
    return Recipe(
        "qwen2",
        "qwen2",
        WITHOUT_HEAD_DIM
        | dict(
            tie_word_embeddings=True,
            rope_parameters=rope(1000000.0),
            use_sliding_window=False,
            max_window_layers=0,
        ),
        # As in the real checkpoints: a window is named and not used.
        written=dict(sliding_window=8),
        older_spelling=True,
        dtype=torch.bfloat16,
        mutations=(
            Mutation("q, k, v bias 0", weights=r"[qkv]_proj\.bias"),
            Mutation("window used", windows),
        ),
    )


def qwen3_recipe():
    return Recipe(
        "qwen3",
        "qwen3",
        SMALL
        | dict(
            head_dim=32,
            num_attention_heads=2,
            num_key_value_heads=1,
            tie_word_embeddings=True,
            rope_parameters=rope(1000000.0),
        ),
        dtype=torch.bfloat16,
        mutations=(
            Mutation("q_norm, k_norm weight 1", weights=r"[qk]_norm\.weight", value=1.0),
            Mutation("rope_theta 10000", {"rope_parameters": rope(10000.0)}),
        ),
    )


def phi3_recipe():
    return Recipe(
        "phi3",
        "phi3",
        WITHOUT_HEAD_DIM
        | dict(sliding_window=8, tie_word_embeddings=False, rope_parameters=rope(10000.0)),
        dtype=torch.bfloat16,
        older_spelling=True,
        weight_std=0.2,
        mutations=(Mutation("no window", {"sliding_window": None}), SHORT_WINDOW, RELU),
    )


def gemma2_recipe():
    softcaps = dict(attn_logit_softcapping=2.0, final_logit_softcapping=6.0)
    shifted = ["full_attention", "sliding_attention"] * 2
    post_norms = r"post_(attention|feedforward)_layernorm\.weight"
    return Recipe(
        "gemma2",
        "gemma2",
        GEMMA | softcaps | dict(rope_parameters=rope(10000.0)),
        dtype=torch.bfloat16,
        norm_mean=0.0,
        older_spelling=True,
        mutations=(
            *GEMMA_MUTATIONS,
            Mutation("windows in the other layers", {"layer_types": shifted}),
            Mutation("no attention softcap", {"attn_logit_softcapping": None}),
            Mutation("no final softcap", {"final_logit_softcapping": None}),
            Mutation("post norms' weight 0", weights=post_norms),
        ),
    )


def gemma3_recipes():
    sliding, full = rope(10000.0), rope(1000000.0)
    linear = rope(1000000.0) | dict(rope_type="linear", factor=8.0)
    layer_types = ["sliding_attention"] * 2 + ["full_attention", "sliding_attention"]

    def ropes(of_sliding, of_full):
        return {"rope_parameters": dict(sliding_attention=of_sliding, full_attention=of_full)}

    mutations = (
        *GEMMA_MUTATIONS,
        Mutation("q_norm, k_norm weight 0", weights=r"[qk]_norm\.weight"),
        Mutation("global rope in every layer", ropes(full, full)),
        Mutation("local rope in every layer", ropes(sliding, sliding)),
    )
    return [
        Recipe(
            "gemma3",
            "gemma3_text",
            GEMMA | dict(layer_types=layer_types) | ropes(sliding, full),
            dtype=torch.bfloat16,
            norm_mean=0.0,
            mutations=mutations,
        ),
        Recipe(
            "gemma3_rope_linear",
            "gemma3_text",
            GEMMA | dict(layer_types=layer_types) | ropes(sliding, linear),
            norm_mean=0.0,
            older_spelling=True,
            mutations=(*mutations, Mutation("no rope scaling", ropes(sliding, full))),
        ),
    ]


RECIPES = [
    *llama_recipes(),
    mistral_recipe(),
    qwen2_recipe(),
    qwen3_recipe(),
    phi3_recipe(),
    gemma2_recipe(),
    *gemma3_recipes(),
]
