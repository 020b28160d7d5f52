"""From what a user wants to a run and the files that it leaves: what the front doors share."""
