"""Trains the bundled chat model and its draft model, and saves them as Hugging Face checkpoints.

Usage: python3 train.py chats.jsonl.gz OUT [--steps 5000] [--draft-steps 3000]

Needs torch, tokenizers, jinja2 and safetensors, and one GPU of 80 GB for the full batch; the file
chats.jsonl.gz comes from prepare.py. Writes OUT/small-chat and OUT/small-chat-draft. After copying
them to models/, run tools/make_small_chat_goldens.py.
"""

import argparse
import gzip
import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import jinja2
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

VOCAB_SIZE = 4096
CONTEXT = 1024
MAX_POSITIONS = 2048
ROPE_THETA = 10000.0
NORM_EPS = 1e-5
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL_TOKENS = [END_OF_TEXT, TURN_START, TURN_END]
TOOL_TOKENS = ["<tool_call>", "</tool_call>"]
SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WARMUP_STEPS = 200
RESHUFFLE_STEPS = 400
REPORT_STEPS = 500
TEMPLATE = (Path(__file__).parent / "chat_template.jinja").read_text().strip()
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


@dataclass(frozen=True)
class Shape:
    """Sizes of one model and how it is trained."""

    name: str
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    intermediate_size: int
    learning_rate: float
    dropout: float


SMALL_CHAT = Shape("small-chat", 256, 8, 4, 2, 64, 768, learning_rate=2.5e-3, dropout=0.1)
DRAFT = Shape("small-chat-draft", 128, 2, 2, 1, 64, 384, learning_rate=4e-3, dropout=0.0)


# Text


def read_documents(path):
    """(training texts, evaluation texts) after the chat template."""
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    template = environment.from_string(TEMPLATE)
    training, evaluation = [], []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            row = json.loads(line)
            text = (
                row["text"] if "text" in row else template.render(row, add_generation_prompt=False)
            )
            (evaluation if row["kind"] == "eval" else training).append(text)
    return training, evaluation


def without_markup(text):
    for token in (TURN_START, TURN_END, *TOOL_TOKENS):
        text = text.replace(token, "")
    return text


def train_tokenizer(texts):
    """Byte-level BPE; the tool tokens are added last and are not special, so that they show in text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(TOOL_TOKENS),
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(without_markup, texts), trainer)
    tokenizer.add_tokens([AddedToken(t, special=False, normalized=False) for t in TOOL_TOKENS])
    if tokenizer.get_vocab_size() != VOCAB_SIZE:
        raise RuntimeError(f"too little text: vocabulary of {tokenizer.get_vocab_size()}")
    return tokenizer


def encode(tokenizer, texts):
    end = tokenizer.token_to_id(END_OF_TEXT)
    return [encoding.ids + [end] for encoding in tokenizer.encode_batch(texts)]


def shuffled_stream(documents):
    """All tokens of the documents in a new order, [tokens] on the device."""
    random.shuffle(documents)
    tokens = torch.tensor([token for ids in documents for token in ids], dtype=torch.int16)
    return tokens.to(DEVICE)


# Model: a Llama with tied embeddings


class RMSNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return F.rms_norm(x, (x.size(-1),), self.weight, NORM_EPS)


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.head_dim = shape.head_dim
        kv_size = shape.num_kv_heads * shape.head_dim
        q_size = shape.num_heads * shape.head_dim
        self.q_proj = nn.Linear(shape.hidden_size, q_size, bias=False)
        self.k_proj = nn.Linear(shape.hidden_size, kv_size, bias=False)
        self.v_proj = nn.Linear(shape.hidden_size, kv_size, bias=False)
        self.o_proj = nn.Linear(q_size, shape.hidden_size, bias=False)

    def heads(self, x):
        """[batch, tokens, heads * head_dim] -> [batch, heads, tokens, head_dim]."""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, cos, sin):
        q = rotate(self.heads(self.q_proj(x)), cos, sin)
        k = rotate(self.heads(self.k_proj(x)), cos, sin)
        v = self.heads(self.v_proj(x))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(out.transpose(1, 2).flatten(2))


class GatedMLP(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class DecoderLayer(nn.Module):
    """Named like the checkpoint, so that its state dict is the checkpoint."""

    def __init__(self, shape):
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = GatedMLP(shape)
        self.input_layernorm = RMSNorm(shape.hidden_size)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x, cos, sin):
        x = x + self.dropout(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.dropout(self.mlp(self.post_attention_layernorm(x)))


class LanguageModel(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCAB_SIZE, shape.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(shape.num_layers))
        self.norm = RMSNorm(shape.hidden_size)
        cos, sin = rope_tables(shape.head_dim)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.init_weights(shape.num_layers)

    def init_weights(self, num_layers):
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                into_residual = "o_proj" in name or "down_proj" in name
                shrink = math.sqrt(2 * num_layers) if into_residual else 1.0
                nn.init.normal_(weight, std=0.02 / shrink)

    def forward(self, ids):
        """[batch, tokens] -> logits [batch, tokens, vocab]."""
        x, length = self.embed_tokens(ids), ids.size(1)
        cos, sin = self.cos[:length].bfloat16(), self.sin[:length].bfloat16()
        for layer in self.layers:
            x = layer(x, cos, sin)
        return F.linear(self.norm(x), self.embed_tokens.weight)


def rope_tables(head_dim):
    """cos and sin, [positions, head_dim], halves repeated."""
    frequencies = ROPE_THETA ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.outer(torch.arange(MAX_POSITIONS).float(), frequencies)
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin


# Training


def autocast():
    return torch.autocast(DEVICE, torch.bfloat16)


def loss_of(logits, targets, reduction="mean"):
    return F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction=reduction)


@torch.no_grad()
def evaluate(model, stream, max_windows=512, batch_size=64):
    """Mean loss in nats per token over the first windows of the evaluation stream."""
    model.eval()
    num_windows = min((stream.numel() - 1) // CONTEXT, max_windows)
    inputs = stream[: num_windows * CONTEXT].view(-1, CONTEXT)
    targets = stream[1 : num_windows * CONTEXT + 1].view(-1, CONTEXT)
    total = 0.0
    for x, y in zip(inputs.split(batch_size), targets.split(batch_size)):
        with autocast():
            total += loss_of(model(x.long()), y.long(), "sum").item()
    model.train()
    return total / targets.numel()


def make_optimizer(model, learning_rate):
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), fused=DEVICE == "cuda")


def schedule(step, steps):
    """Factor of the learning rate: linear warm-up, then a cosine down to 5 %."""
    return min(1, (step + 1) / WARMUP_STEPS) * (0.525 + 0.475 * math.cos(math.pi * step / steps))


def sample_batch(stream, batch_size):
    """(inputs, targets), each [batch, CONTEXT], at random offsets."""
    starts = torch.randint(0, stream.numel() - CONTEXT - 1, (batch_size,), device=DEVICE)
    windows = stream[starts[:, None] + torch.arange(CONTEXT + 1, device=DEVICE)].long()
    return windows[:, :-1], windows[:, 1:]


def fit(shape, documents, evaluation, steps, batch_size):
    model = LanguageModel(shape).to(DEVICE)
    print(f"{shape.name}: {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")
    optimizer = make_optimizer(model, shape.learning_rate)
    compiled = torch.compile(model) if DEVICE == "cuda" else model
    start = time.time()
    for step in range(steps):
        if step % RESHUFFLE_STEPS == 0:
            stream = shuffled_stream(documents)
        inputs, targets = sample_batch(stream, batch_size)
        for group in optimizer.param_groups:
            group["lr"] = shape.learning_rate * schedule(step, steps)
        with autocast():
            loss = loss_of(compiled(inputs), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % REPORT_STEPS == 0 or step == steps - 1:
            score = evaluate(model, evaluation)
            elapsed = time.time() - start
            print(
                f"step {step} loss {loss.item():.3f} eval {score:.3f} {elapsed:.0f} s", flush=True
            )
    return model


# Checkpoints


def model_config(shape, tokenizer):
    end_ids = [tokenizer.token_to_id(TURN_END), tokenizer.token_to_id(END_OF_TEXT)]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.num_layers,
        "num_attention_heads": shape.num_heads,
        "num_key_value_heads": shape.num_kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": VOCAB_SIZE,
        "max_position_embeddings": MAX_POSITIONS,
        "rms_norm_eps": NORM_EPS,
        "rope_theta": ROPE_THETA,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": None,
        "eos_token_id": end_ids,
        "pad_token_id": end_ids[1],
        "torch_dtype": "bfloat16",
    }


def tokenizer_config(tokenizer):
    def added_token(token):
        flags = dict.fromkeys(("lstrip", "normalized", "rstrip", "single_word"), False)
        return {"content": token, **flags, "special": token in SPECIAL_TOKENS}

    tokens = SPECIAL_TOKENS + TOOL_TOKENS
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": TURN_END,
        "pad_token": END_OF_TEXT,
        "unk_token": None,
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": MAX_POSITIONS,
        "chat_template": TEMPLATE,
        "added_tokens_decoder": {str(tokenizer.token_to_id(t)): added_token(t) for t in tokens},
    }


def save(model, shape, tokenizer, output):
    directory = output / shape.name
    directory.mkdir(parents=True, exist_ok=True)
    weights = {
        f"model.{name}": weight.detach().to(torch.bfloat16).cpu().contiguous()
        for name, weight in model.state_dict().items()
    }
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    (directory / "model.safetensors").chmod(0o644)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = json.dumps(model_config(shape, tokenizer), indent=1)
    (directory / "config.json").write_text(config)
    text = json.dumps(tokenizer_config(tokenizer), indent=1)
    (directory / "tokenizer_config.json").write_text(text)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("chats", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--draft-steps", type=int, default=3000)
    parser.add_argument("--batch-size", type=int, default=96, help="windows of 1,024 tokens")
    args = parser.parse_args()
    random.seed(1)
    torch.manual_seed(1)
    training, evaluation = read_documents(args.chats)
    tokenizer = train_tokenizer(training)
    documents = encode(tokenizer, training)
    evaluation_stream = shuffled_stream(encode(tokenizer, evaluation))
    print(
        f"{sum(map(len, documents)) / 1e6:.1f} M tokens, {evaluation_stream.numel()} for evaluation"
    )
    for shape, steps in ((SMALL_CHAT, args.steps), (DRAFT, args.draft_steps)):
        model = fit(shape, documents, evaluation_stream, steps, args.batch_size)
        save(model, shape, tokenizer, args.output)


if __name__ == "__main__":
    main()
