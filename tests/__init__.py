"""Unit tests need no I/O, integration tests real SQLite, HTTP and helm, end-to-end tests everything."""
