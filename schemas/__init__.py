"""The contracts, and the schemas of our own files. Data only: nothing is imported here."""
