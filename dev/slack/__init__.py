"""A local Slack: an HTTP server that stands in for Slack, for a person without a workspace and for tests."""

from dev.slack.client import LocalSlackClient, LocalSlackError
from dev.slack.delivery import Ack
from dev.slack.running import LocalSlack

__all__ = ["Ack", "LocalSlack", "LocalSlackClient", "LocalSlackError"]
