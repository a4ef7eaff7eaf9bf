"""Measurements. Each is one command that prints a table and writes raw numbers below `build/bench/`."""
