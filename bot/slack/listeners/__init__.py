"""Bolt listeners, one module for each of Slack's kinds of request. They look up the command, call it and answer."""
