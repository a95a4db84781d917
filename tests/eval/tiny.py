"""A causal language model of a few thousand weights, drawn by a seed, and its tokenizer."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from imagewikiqa.builders.sample import read_sample

torch.set_num_threads(1)  # on busy cores two threads are slower than one, and wait for each other

CHAT = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


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
