"""The edges of the system: Kubernetes, Helm and a store's own address."""
