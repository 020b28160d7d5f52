"""`python -m infercheck`."""

from infercheck.cli import main

main()
