"""What Slack's refusal means, by Slack's error word, and how long the bot keeps trying.

The words are from docs.slack.dev/reference/methods; tests/slack_errors.yaml lists them all."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto


class Refusal(Enum):
    """The kinds of refusals."""

    LOST = auto()  # the message, its thread or the person is gone, or the message can't be edited any more
    NO_ACCESS = auto()  # we may not post there until a person lets us
    NO_RIGHTS = auto()  # our token may not do that; see TokenRefused for one that may do nothing
    THROTTLED = auto()  # too many calls
    SLACK_DOWN = auto()  # Slack has trouble of its own
    UNKNOWN = auto()


WORDS: Mapping[Refusal, frozenset[str]] = {
    Refusal.LOST: frozenset(
        "message_not_found thread_not_found cannot_reply_to_message cant_update_message edit_window_closed"
        " block_mismatch user_not_found user_disabled user_not_visible invalid_user_combination".split()
    ),
    Refusal.NO_ACCESS: frozenset(
        "not_in_channel channel_not_found is_archived is_inactive channel_is_limited_access posting_to_channel_denied"
        " method_not_supported_for_channel_type messages_tab_disabled ekm_access_denied access_denied no_permission"
        " app_access_restricted team_not_found".split()
    ),
    Refusal.NO_RIGHTS: frozenset(
        "invalid_auth not_authed account_inactive token_revoked token_expired missing_scope not_allowed_token_type"
        " two_factor_setup_required enterprise_is_restricted accesslimited is_bot deprecated_endpoint"
        " method_deprecated unknown_method team_access_not_granted".split()
    ),
    Refusal.THROTTLED: frozenset("ratelimited rate_limited http_429 message_limit_exceeded".split()),
    Refusal.SLACK_DOWN: frozenset(
        "internal_error fatal_error service_unavailable request_timeout team_added_to_org org_login_required"
        " external_channel_migrating update_failed streaming_state_conflict".split()
    ),
}
PREFIXES: Mapping[Refusal, tuple[str, ...]] = {  # Slack adds new words with them
    Refusal.NO_ACCESS: ("restricted_action", "slack_connect_"),
    Refusal.SLACK_DOWN: ("http_5",),
}
PASSING = frozenset({Refusal.THROTTLED, Refusal.SLACK_DOWN})  # of the whole workspace
# The attempts in one place before another place is tried. In the last place, and for messages that have only one, they
# end after LAST_PLACE_ATTEMPTS: after a day, or after about four minutes.
PATIENCE: Mapping[Refusal, int] = {
    Refusal.LOST: 0,
    Refusal.NO_ACCESS: 0,
    Refusal.NO_RIGHTS: 0,
    Refusal.THROTTLED: 1440,
    Refusal.SLACK_DOWN: 1440,
    Refusal.UNKNOWN: 2,
}
LAST_PLACE_ATTEMPTS: Mapping[Refusal, int] = {
    Refusal.LOST: 1,
    Refusal.NO_ACCESS: 288,
    Refusal.NO_RIGHTS: 1440,
    Refusal.THROTTLED: 1440,
    Refusal.SLACK_DOWN: 1440,
    Refusal.UNKNOWN: 10,
}


def refusal_of(word: str) -> Refusal:
    """The kind of Slack's error word, or of http_<status> if Slack sent none."""
    for kind, words in WORDS.items():
        if word in words or word.startswith(PREFIXES.get(kind, ())):
            return kind
    return Refusal.UNKNOWN


def forbids_edits(word: str) -> bool:
    """Whether a message exists that can't be edited, as far as known."""
    return word in ("edit_window_closed", "block_mismatch") or refusal_of(word) is Refusal.UNKNOWN


def is_lasting(word: str, attempts: int) -> bool:
    """Whether to try another place now, after `attempts` earlier refusals of the message in this one."""
    return attempts >= PATIENCE[refusal_of(word)]


def is_final(refusal: Refusal, attempts: int) -> bool:
    """Whether to give up a message that has no other place, after `attempts` earlier refusals."""
    return attempts >= max(PATIENCE[refusal], LAST_PLACE_ATTEMPTS[refusal] - 1)
