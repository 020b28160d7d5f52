"""How people and CI read a run."""
