"""Checkpoints that are not what they should be are refused in words, before anybody is answered."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from checkpoints.asking import asked, opened
from checkpoints.tiny import tokenizer
from infercheck.errors import UsageError
from infercheck.runners.transformers.checkpoint import Checkpoint
from infercheck.runners.transformers.engine import TransformersEngine
from infercheck.runners.transformers.model import Model


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


def without(file, part):
    weights = load_file(file)
    lost = next(name for name in weights if part in name)
    save_file({name: one for name, one in weights.items() if name != lost}, file, metadata={"format": "pt"})
    return lost


def test_a_checkpoint_that_lacks_weights_is_refused(copy):
    without(copy / "base" / "model.safetensors", "layers.1.mlp")
    with pytest.raises(UsageError, match=r"incomplete: it lacks model\.layers\.1\.mlp"), opened(copy):
        pass


@pytest.mark.parametrize("name", ["poet", "pirate"])
def test_an_adapter_that_lacks_weights_is_refused(copy, name):
    without(copy / name / "adapter_model.safetensors", "layers.1")
    with pytest.raises(UsageError, match=f"the adapter {name} is incomplete: it lacks"), opened(copy):
        pass


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, None], ids=["empty", "garbage", "truncated"])
@pytest.mark.parametrize("file", ["base/model.safetensors", "poet/adapter_model.safetensors"])
def test_files_that_are_none_are_refused(copy, file, content):
    whole = (copy / file).read_bytes()
    (copy / file).write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(UsageError, match=r"cannot be loaded|does not fit"), opened(copy):
        pass


def test_a_config_that_is_none_is_refused(copy):
    (copy / "base" / "config.json").write_text("[]")
    with pytest.raises(UsageError, match="cannot be loaded"), opened(copy):
        pass


def test_an_adapter_that_nobody_could_go_without_is_refused(copy):
    file = copy / "poet" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "bias": "lora_only"}))
    with pytest.raises(UsageError, match="changes biases of the model itself"):
        Checkpoint(path=copy / "base", adapters={"poet": copy / "poet"}).check()


def test_an_adapter_without_weights_is_refused(copy):
    (copy / "poet" / "adapter_model.safetensors").unlink()
    with pytest.raises(UsageError, match="has no weights"):
        Checkpoint(path=copy / "base", adapters={"poet": copy / "poet"}).check()


def made(folder, kind, **wanted):
    """A random checkpoint of another architecture."""
    words = tokenizer()
    words.save_pretrained(folder)
    torch.manual_seed(3)
    config = AutoConfig.for_model(kind, vocab_size=len(words), bos_token_id=1, eos_token_id=2, **wanted)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


SMALL = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}


def test_a_window_wider_than_the_table_of_positions_is_refused(tmp_path):
    made(tmp_path, "gpt2", n_embd=32, n_layer=1, n_head=2, n_positions=64)
    assert Model(Checkpoint(path=tmp_path)).window == 64
    with pytest.raises(UsageError, match="cannot be asked at position 99"):
        Model(Checkpoint(path=tmp_path, context_window=100))


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_where_one_long_row_changes_the_others_no_steps_are_shared(tmp_path, kind):
    rope = {"rope_type": kind, "rope_theta": 10000.0, "factor": 2.0, "original_max_position_embeddings": 64}
    if kind == "longrope":
        rope |= {"long_factor": [2.0] * 8, "short_factor": [1.0] * 8}
    made(tmp_path, "llama", **SMALL, max_position_embeddings=128, rope_parameters=rope)
    assert Model(Checkpoint(path=tmp_path)).window == 128
    with pytest.raises(UsageError, match=f"rotary embedding .{kind}. that changes for all rows"):
        Model(Checkpoint(path=tmp_path, batch=2))
    if kind == "dynamic":
        with pytest.raises(UsageError, match="answers otherwise after a text over 128 tokens"):
            Model(Checkpoint(path=tmp_path, context_window=256))


def test_an_encoder_is_refused(tmp_path):
    made(tmp_path, "bert", **SMALL)
    with pytest.raises(UsageError, match=r"is an encoder \(bert\)"):
        Model(Checkpoint(path=tmp_path))


def test_what_is_not_told_its_positions_shares_no_steps(tmp_path):
    made(tmp_path, "bart", d_model=32, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32)
    with pytest.raises(UsageError, match="not told where in its text a row is"):
        Model(Checkpoint(path=tmp_path, batch=2))


def test_what_keeps_a_state_reads_a_prompt_as_a_whole(tmp_path):
    made(tmp_path, "mamba", hidden_size=32, num_hidden_layers=1, state_size=4)
    engine = TransformersEngine(Checkpoint(path=tmp_path, context_window=4000))
    try:
        request = {"prompt": "x " * 1200, "temperature": 0, "max_tokens": 12}
        prompt = torch.tensor([engine._template.tokens(request)])
        assert prompt.shape[1] > 1024
        said = engine.model._network.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=12, pad_token_id=0
        )
        text = engine.model.tokenizer.decode(said[0, prompt.shape[1] :], skip_special_tokens=True)
        assert asked(engine, **request)["response"] == text.rstrip("\ufffd")
    finally:
        engine.close()
    with pytest.raises(UsageError, match="keeps more than keys and values"):
        Model(Checkpoint(path=tmp_path, batch=2))


def test_tokens_that_the_model_has_no_place_for_are_not_read(tiny, monkeypatch):
    with opened(tiny) as engine:
        monkeypatch.setattr(engine._template, "tokens", lambda request: [1, 100_000, 20])
        assert asked(engine, prompt="x", max_tokens=2)["usage"]["prompt_tokens"] == 2
        monkeypatch.setattr(engine._template, "tokens", lambda request: [])
        assert asked(engine, prompt="x", max_tokens=2)["usage"]["prompt_tokens"] == 1


def test_every_end_that_a_checkpoint_names_ends_an_answer(copy):
    file = copy / "base" / "generation_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token_id": [2, 5]}))
    with opened(copy) as engine:
        assert engine.model.ends == {2, 5}
