"""Proofs that hold for every store chart: a new folder under `charts/` is held to them without a line changed here."""
