"""The bot: Slack, HTTP and the command line."""
