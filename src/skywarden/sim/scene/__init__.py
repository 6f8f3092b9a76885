"""A scenario file: what stands in it, how it is read and checked."""
