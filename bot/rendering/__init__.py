"""From a snapshot of the ledger to Slack blocks and text. Pure."""
