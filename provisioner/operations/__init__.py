"""The operations: one module for each kind of job, shared steps, and the registry that lists them."""
