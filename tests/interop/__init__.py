"""Other people's programs and our server; the suite and other people's runtimes. Run by `make interop`."""
