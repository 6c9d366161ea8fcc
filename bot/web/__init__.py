"""HTTP server, public pages, ops endpoints, Socket Mode."""
