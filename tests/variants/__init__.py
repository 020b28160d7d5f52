"""Conforming servers, each of which does something in another way that the page and the standards allow."""
