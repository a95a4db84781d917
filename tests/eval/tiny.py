"""Causal language models of some thousand weights, drawn by a seed or taught a few replies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedTokenizerFast,
)

from imagewikiqa.builders.sample import read_sample

torch.set_num_threads(1)  # on busy cores two threads are slower than one, and wait for each other

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

# Bounded, so that a reply of any model comes to an end.
SHORT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 12},
        "answer": {"type": "integer", "minimum": 0, "maximum": 3},
        "words": {
            "type": "array",
            "items": {"enum": ["bamboo", 'a "quoted" é', "C"]},
            "minItems": 2,
            "maxItems": 3,
        },
    },
    "required": ["name", "answer", "words"],
    "additionalProperties": False,
}


def save_tiny(folder: Path, *, seed: int = 0, context: int = 512, chat: bool = True) -> Path:
    """Write a Llama of one layer and its byte-level tokenizer, trained on the sample's pages."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pages = (page.wikitext[:2000] for page in list(read_sample())[:10])
    tokenizer.train_from_iterator(pages, trainer)
    tokenizer_class: Any = PreTrainedTokenizerFast  # its constructor is not typed
    fast = tokenizer_class(tokenizer_object=tokenizer, eos_token="<end>")
    if chat:
        fast.chat_template = CHAT
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=640,  # more than the tokenizer has, as in many real models
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=context,
        eos_token_id=0,
        bos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def teach(folder: Path, lessons: Sequence[tuple[str, str]]) -> None:
    """Replace the weights of a folder by some that give each user's words (first) a reply.

    Attention reaches 2 x 23 tokens back, so that the ends of long prompts are enough to learn from.
    """
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=640,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        sliding_window=24,
        eos_token_id=0,
        bos_token_id=None,
    )
    model: Any = MistralForCausalLM(config)
    examples = [_example(tokenizer, *lesson) for lesson in lessons]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(600):
        losses = [model(input_ids=ids, labels=labels).loss for ids, labels in examples]
        optimizer.zero_grad()
        total: Any = torch.stack(losses).sum()  # `backward` is not typed
        total.backward()
        optimizer.step()
        if max(loss.item() for loss in losses) < 0.01:
            break
    model.save_pretrained(folder)


def _example(tokenizer: Any, words: str, reply: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the last tokens of a prompt with its reply, and labels that leave out the prompt."""
    prompt = tokenizer(f"<|user|>{words}<|assistant|>")["input_ids"][-72:]
    written = [*tokenizer(reply)["input_ids"], tokenizer.eos_token_id]
    labels = [-100] * len(prompt) + written  # -100 counts for nothing
    return torch.tensor([prompt + written]), torch.tensor([labels])
