"""A local Slack for development and tests without a workspace."""

from dev.slack.client import LocalSlackClient, LocalSlackError
from dev.slack.delivery import Ack
from dev.slack.local_slack import LocalSlack

__all__ = ["Ack", "LocalSlack", "LocalSlackClient", "LocalSlackError"]
