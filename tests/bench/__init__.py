"""Benchmarks (`make bench`). They compare times within one run; no test fails because of a time."""
