"""Stores, jobs and their rules. Imports nothing of ours and does no I/O."""
