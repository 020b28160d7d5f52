"""Fuzz: requests between the limits, drawn by Hypothesis in an interpreter of their own.

`child` draws and shrinks, and imports nothing of the user's; `texts`, `valid` and `broken` say what may be drawn.
Everything else of this program meets drawn requests as ordinary cases, made of the sketches that `source` brings.
"""
