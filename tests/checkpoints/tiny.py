"""A tiny Mistral, a tokenizer that is trained here, and two adapters: made in seconds, the same every time."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

SPECIAL = ("<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]")
WINDOW = 8192
VOCABULARY = 600

TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
"""That of Mistral-7B-Instruct-v0.2 as it was first published: it raises on the `system` role."""

CORPUS = Path(__file__).parents[2] / "schemas" / "mistral-7b-instruct-v0.2-lora" / "page.txt"
MORE = ["Grüße aus Köln, où l’été dure. 你好,世界! こんにちは世界 🙂🚀👩‍🚀 ½ € naïve façade"] * 20


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE: a token may be a part of a character."""
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([*CORPUS.read_text("utf-8").splitlines(), *MORE], trainer)
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=list(SPECIAL[3:]),
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def network(words: PreTrainedTokenizerFast, **different: int) -> MistralForCausalLM:
    """Random weights, sure of something; special tokens and halves of characters are rare."""
    torch.manual_seed(7)
    config = MistralConfig(
        vocab_size=len(words),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
        sliding_window=different.get("sliding_window"),
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.3,
    )
    made = MistralForCausalLM(config)
    rare = [token for token in range(len(words)) if token < len(SPECIAL) or not words.decode([token]).isascii()]
    with torch.no_grad():
        made.lm_head.weight[rare] = 0
    return made


def make(folder: Path, **different: int) -> Path:
    """Write a checkpoint `base` and its adapters `poet` and `pirate` to a folder; perhaps with a sliding window."""
    words = tokenizer()
    words.save_pretrained(folder / "base")
    network(words, **different).save_pretrained(folder / "base")
    for seed, name in enumerate(("poet", "pirate")):
        base = network(words, **different)
        torch.manual_seed(100 + seed)
        config = LoraConfig(
            r=4,
            lora_alpha=16,
            target_modules=["q_proj", "v_proj", "down_proj"],
            init_lora_weights=False,
            task_type="CAUSAL_LM",
        )
        get_peft_model(base, config).save_pretrained(folder / name, save_embedding_layers=False)
    return folder
