"""Noise: targets that do not reproduce, throttle, slow down or drop connections, and what is still told of them."""
