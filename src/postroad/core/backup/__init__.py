"""Backups: what they are made of, and how they are made, read and cleared."""
