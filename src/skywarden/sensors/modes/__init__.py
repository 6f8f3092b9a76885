"""Mode S and ADS-B: frames as JSON lines and as Beast messages."""
