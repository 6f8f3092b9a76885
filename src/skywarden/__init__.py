"""skywarden: one air picture from whatever sensors there are, and early warning for the sites under it."""

__version__ = "0.1.0"
