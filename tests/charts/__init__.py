"""Tests of every store chart. They find a new folder under `charts/` by themselves."""
