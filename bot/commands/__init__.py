"""What people type in Slack and in the terminal: one module for each verb."""
