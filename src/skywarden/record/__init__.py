"""The record: an append-only log of every input and what followed from it."""
