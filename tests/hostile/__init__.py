"""Targets that are hostile, or that fail, each over a real socket: what they may not do to the suite."""
