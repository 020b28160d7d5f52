"""Causal language models in files, by PyTorch and Hugging Face transformers: the target `transformers:PATH`.

checkpoint (what is wanted) → model (weights and adapters) and template (a request as tokens) → engine (an answer),
which hands a sequence to the scheduler, whose tokens the sampler draws and text spells. Only these modules import
torch, and only `checkpoint` does without it.
"""
