"""Looking back over a record: why a warning was given, and what happened in a shift."""
