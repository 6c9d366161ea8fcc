"""Nothing but Python: no files of this machine, no processes, no network."""
