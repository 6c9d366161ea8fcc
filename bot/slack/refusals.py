"""What Slack's refusal of a message means, by Slack's error word (docs.slack.dev, chat.postMessage: errors)."""

from __future__ import annotations

from enum import Enum, auto


class Refusal(Enum):
    """The kinds of refusals."""

    LOST = auto()  # the message, its thread or the person is gone
    NO_ACCESS = auto()  # we may not post there until a person lets us
    NO_RIGHTS = auto()  # our token or its scopes are wrong
    THROTTLED = auto()  # too many calls
    SLACK_DOWN = auto()  # Slack has trouble of its own
    UNKNOWN = auto()


LOST = {
    "message_not_found",
    "thread_not_found",
    "cannot_reply_to_message",
    "cant_update_message",
    "user_not_found",
}
NO_ACCESS = {"not_in_channel", "channel_not_found", "is_archived"}
NO_ACCESS_PREFIX = "restricted_action"  # such as restricted_action_read_only_channel; Slack adds new ones
NO_RIGHTS = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope"}
THROTTLED = {"ratelimited", "http_429"}
SLACK_DOWN = {"internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout"}


def refusal_of(word: str) -> Refusal:
    """The kind of Slack's error word, or of http_<status> if Slack sent none."""
    if word in NO_ACCESS or word.startswith(NO_ACCESS_PREFIX):
        return Refusal.NO_ACCESS
    if word in THROTTLED:
        return Refusal.THROTTLED
    if word in SLACK_DOWN or word.startswith("http_5"):
        return Refusal.SLACK_DOWN
    kinds = {Refusal.LOST: LOST, Refusal.NO_RIGHTS: NO_RIGHTS}
    return next((kind for kind, words in kinds.items() if word in words), Refusal.UNKNOWN)
