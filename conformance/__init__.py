"""infercheck: does a text-generation endpoint keep the promises of its documentation page?"""

__version__ = "0.1.0"
