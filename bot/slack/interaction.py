"""One request of a person, as our listeners see it: who, where, what, by which delivery, and how to answer."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from slack_bolt import Ack
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.rendering import forms
from bot.rendering.blocks import Message
from bot.rendering.forms import FormMemory
from bot.rendering.templating import TextTemplate
from bot.slack.client import UNREACHABLE, Slack, error_word, whisper
from provisioner.domain.errors import Refused

log = logging.getLogger(__name__)
answers = TextTemplate("answers")


class FormNotOpened(Refused):
    """Slack did not take the form: its trigger was used or is older than 3 s, or Slack is out of reach."""


@dataclass
class Interaction:
    """`kind` is command, click, submission or event; `key` is Slack's delivery key, the same in a replay.

    `channel` is '' where there is no conversation (App Home). `raw` is what the audit keeps. `store` is filled in by
    the listener as soon as it knows which store this is about."""

    kind: str
    user: str
    channel: str
    key: str
    raw: str
    request_id: str
    body: dict[str, Any]
    ack: Ack
    slack: Slack
    response_url: str = ""
    store: str = ""
    _answered: bool = field(default=False, init=False)

    @property
    def origin(self) -> str:
        """Where a job ordered now is told: this conversation, or the person."""
        return self.channel or self.user

    @property
    def memory(self) -> FormMemory:
        """What the form this comes from remembers; for others, what a form opened now should."""
        if "view" in self.body:
            return FormMemory.unpacked(self.body["view"]["private_metadata"])
        return FormMemory(self.channel, self.response_url)

    def typed(self, block: str) -> str:
        """What was typed into the form's block (its action has the same id); a select's chosen value."""
        state = self.body["view"]["state"]["values"][block][block]
        chosen = state.get("selected_option") or {}
        return str(state.get("value") or chosen.get("value") or "").strip()

    @property
    def option_blocks(self) -> dict[str, str]:
        """The form's blocks in which options are chosen, by option id."""
        blocks = self.body["view"]["state"]["values"]
        return {block.rpartition("/")[2]: block for block in blocks if block.startswith(forms.OPTION)}

    @property
    def chosen(self) -> dict[str, str]:
        """What is chosen in the form, by option id."""
        return {option: self.typed(block) for option, block in self.option_blocks.items()}

    def accept(self) -> None:
        """Tell Slack within its 3 s that we have it; the answer follows."""
        if not self._answered:
            self.ack()
            self._answered = True

    def answer(self, said: Message) -> None:
        """Tell the person alone, where they are: in the conversation, in the form, or in a form of its own."""
        if self.kind == "command" and not self._answered:
            self.ack(text=said.text, blocks=said.simple, response_type="ephemeral")
        elif self.kind == "submission" and not self._answered:
            self.ack(response_action="update", view=forms.notice(said.text))
        elif self.response_url:
            self.accept()
            whisper(self.response_url, said)
        elif self.kind == "click":
            self.accept()
            self.open_form(forms.notice(said.text))
        self._answered = True

    def answer_at(self, block: str, text: str) -> None:
        """Put `text` under a block of the submitted form, which stays open."""
        self.ack(response_action="errors", errors={block: text})
        self._answered = True

    def open_form(self, view: View) -> None:
        """Raises FormNotOpened."""
        self.accept()
        try:
            self.slack.views_open(trigger_id=self.body["trigger_id"], view=view)
        except (SlackApiError, *UNREACHABLE) as error:
            why = error_word(error) if isinstance(error, SlackApiError) else str(error)
            log.warning("a form could not be opened: %s", why)
            raise FormNotOpened(answers("form_not_opened")) from error

    def update_form(self, view: View) -> None:
        """Show `view` in place of the form this comes from; what changed or was closed since is left as it is."""
        self.accept()
        form = self.body["view"]
        try:
            self.slack.views_update(view_id=form["id"], hash=form["hash"], view=view)
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("a form was not updated: %s", error_word(error) if isinstance(error, SlackApiError) else error)


def read_interaction(body: dict[str, Any], ack: Ack, slack: Slack, request_id: str) -> Interaction:
    """Any of Slack's payloads as a Interaction."""
    common: dict[str, Any] = {"request_id": request_id, "body": body, "ack": ack, "slack": slack}
    if "command" in body:
        raw = f"{body['command']} {body.get('text', '')}".strip()
        url = body.get("response_url", "")
        return Interaction(
            "command", body["user_id"], body["channel_id"], body["trigger_id"], raw, response_url=url, **common
        )
    if body["type"] == "block_actions":
        action, channel = body["actions"][0], body.get("channel") or {}
        value = action.get("value") or (action.get("selected_option") or {}).get("value", "")
        raw = f"{action['action_id']} {value}".strip()
        where, url = channel.get("id", ""), body.get("response_url", "")
        return Interaction("click", body["user"]["id"], where, body["trigger_id"], raw, response_url=url, **common)
    if body["type"] == "view_submission":
        view = body["view"]
        where = FormMemory.unpacked(view["private_metadata"]).channel
        raw = json.dumps({"form": view["callback_id"], "typed": view["state"]["values"]})
        return Interaction("submission", body["user"]["id"], where, view["id"], raw, **common)
    event = body["event"]
    return Interaction("event", event["user"], "", body["event_id"], event["type"], **common)
