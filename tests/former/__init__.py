"""Files of the former version, and what saves and restores them."""
