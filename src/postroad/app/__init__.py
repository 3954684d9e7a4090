"""Puts the program together. The only place that names adapters."""
