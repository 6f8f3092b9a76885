"""Acoustics, pure: the air's absorption, the delay of sound, how loud it comes in, what a detector makes of it."""
