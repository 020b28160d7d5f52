"""Broken servers, each of which breaks one promise, and the requirements that have to show it."""
