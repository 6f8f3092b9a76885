"""Simulation: scenarios in, messages in the sensors' own formats out, at their own times. From one seed."""
