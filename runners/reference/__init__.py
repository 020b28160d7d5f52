"""The built-in reference engine: a synthetic language model under a real sampler."""
