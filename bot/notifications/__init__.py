"""From the ledger's outbox to Slack messages."""
