"""Everything real, on a Kubernetes of its own."""
