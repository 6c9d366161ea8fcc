"""The ledger: the SQLite database that holds stores, jobs, events, the outbox, links and the audit log."""
