"""HTTP: the public pages, the ops endpoints and the server."""
