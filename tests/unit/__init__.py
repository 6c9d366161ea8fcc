"""Tests that read files of the repository and do no other I/O (see conftest.py)."""
