"""Who a Slack user is."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk.errors import SlackApiError

from bot.slack.client import UNREACHABLE, Slack, error_word
from provisioner.domain.errors import Refused

log = logging.getLogger(__name__)
TRY_AGAIN = "Try again in a moment."
REINSTALL = "Ask an admin to reinstall the app from manifests/slack-app.yaml, which has the scope users:read."


@dataclass(frozen=True)
class SlackPeople:
    """Asks `slack` about a person, for as long as the timeout of that client."""

    slack: Slack

    def time_zone(self, person: str) -> tzinfo | None:
        """The person's time zone; None where Slack does not say."""
        try:
            return ZoneInfo(self.slack.users_info(user=person)["user"]["tz"])
        except (SlackApiError, *UNREACHABLE, LookupError, TypeError, ValueError, ZoneInfoNotFoundError) as error:
            log.info("Slack did not say the time zone of a person: %s", error)
            return None

    def require_colleague(self, person: str) -> None:
        """Ask Slack whether the person can own a store. Raises Refused with the reason why not.

        Source: docs.slack.dev, users.info and the user object."""
        try:
            user, us = self.slack.users_info(user=person)["user"], self.slack.auth_test()
        except SlackApiError as error:
            word = error_word(error)
            if word in ("user_not_found", "user_not_visible"):
                raise Refused("There is no such person in this workspace.", "", "Choose somebody else.") from error
            next_step = REINSTALL if word == "missing_scope" else TRY_AGAIN
            raise Refused("Slack does not say who that is.", f"It answers “{word}”.", next_step) from error
        except UNREACHABLE as error:
            raise Refused("Slack does not say who that is.", "It does not answer.", TRY_AGAIN) from error
        enterprise = user.get("enterprise_user", {}).get("enterprise_id")
        is_ours = user.get("team_id") == us["team_id"] or (enterprise and enterprise == us.get("enterprise_id"))
        for is_so, what in (
            (user.get("deleted"), "That person's account is deactivated."),
            (user.get("is_bot") or person == "USLACKBOT", "That is an app, and no person."),
            (not is_ours, "That person belongs to another workspace."),
        ):
            if is_so:
                raise Refused(what, "", "Choose somebody else.")
