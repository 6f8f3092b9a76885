"""What the simulated sensors of each kind measure and send, window by window."""
