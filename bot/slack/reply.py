"""Reply: the ways to answer one interaction, each at the moment and place that Slack allows."""

from __future__ import annotations

import logging

from slack_bolt import Ack
from slack_sdk.errors import SlackApiError
from slack_sdk.models.views import View

from bot.commands.request import Response
from bot.rendering import forms
from bot.rendering.blocks import Message, text_message
from bot.rendering.texts import answers
from bot.slack.client import UNREACHABLE, Slack, error_word
from bot.slack.interaction import Interaction, InteractionKind
from provisioner.domain.errors import Refused

log = logging.getLogger(__name__)

FORM_IS_OLD = ("hash_conflict", "not_found")  # words of views.update: it changed or was closed meanwhile


class FormNotOpened(Refused):
    """Slack did not open the form: its trigger was used or is older than 3 s, or Slack is unreachable."""


class Reply:
    """Answers one interaction. The first answer acknowledges it, which Slack expects within 3 s."""

    def __init__(self, interaction: Interaction, ack: Ack, slack: Slack, failure_channel: str) -> None:
        """The failure channel gets a report of an answer that Slack refuses everywhere."""
        self._interaction, self._ack, self._slack = interaction, ack, slack
        self._failure_channel = failure_channel
        self._acknowledged = False
        self._opened = ""  # the id of the form that this answer opened

    def send(self, response: Response) -> None:
        """Show a command's response. Raises FormNotOpened."""
        if response.field_errors:
            self._acknowledge(response_action="errors", errors=dict(response.field_errors))
        elif response.later:
            self._acknowledge()
        elif response.form:
            self._open_form(response.form)
        elif response.form_update:
            self._update_form(response.form_update)
        elif response.message and self._interaction.kind is InteractionKind.SUBMISSION:
            self._close_forms(response.message)
        elif response.message:
            self.answer(response.message, final=True)
        else:
            self._acknowledge()

    def answer(self, message: Message, *, final: bool = False) -> None:
        """Show a message to the person alone: in the conversation, in the form, or in a form of its own.

        After a `final` one nothing is left to do in the form that was clicked."""
        interaction = self._interaction
        if interaction.kind is InteractionKind.COMMAND and not self._acknowledged and not message.has_table:
            self._acknowledge(text=message.text, blocks=message.simple, response_type="ephemeral")
        elif interaction.kind is InteractionKind.SUBMISSION and not self._acknowledged:
            self._acknowledge(response_action="update", view=forms.notice(message))
        elif interaction.kind is InteractionKind.CLICK and not interaction.response_url:
            self._answer_in_form(message, final=final)
        elif interaction.kind is InteractionKind.EVENT:
            self._acknowledge()
        elif interaction.kind is InteractionKind.MENTION:
            self._acknowledge()
            self._answer_in_thread(message)
        else:
            self._acknowledge()
            self._tell(message)

    def _acknowledge(self, **content: object) -> None:
        if not self._acknowledged:
            self._ack(**content)  # type: ignore[arg-type]
            self._acknowledged = True

    def _close_forms(self, message: Message) -> None:
        """The message goes to the conversation in which the form was opened. The job's root message says the same."""
        self._acknowledge(response_action="clear")
        if self._interaction.form.response_url:
            self._slack.whisper(self._interaction.form.response_url, message)

    def _open_form(self, view: View) -> None:
        """A click in a form opens another one on top of it."""
        self._acknowledge()
        show = self._slack.views_push if self._interaction.view_id else self._slack.views_open
        try:
            opened = show(trigger_id=self._interaction.trigger_id, view=view)
            self._opened = str(opened["view"]["id"])
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("form not opened: %s", _reason(error))
            raise FormNotOpened(answers("form_not_opened")) from error

    def _update_form(self, view: View) -> None:
        """A form that changed or was closed since then is left as it is."""
        self._acknowledge()
        try:
            self._slack.views_update(view_id=self._interaction.view_id, hash=self._interaction.view_hash, view=view)
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("form not updated: %s", _reason(error))
            if _reason(error) not in FORM_IS_OLD:
                self._tell(text_message(answers("form_not_updated")))

    def replace_form(self, view: View) -> None:
        """Show another form in the place of the one that `send` opened. One that was closed since stays closed."""
        try:
            self._slack.views_update(view_id=self._opened, view=view)
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("form not replaced: %s", _reason(error))
            if _reason(error) not in FORM_IS_OLD:
                self._tell(text_message(answers("form_not_opened")))

    # --- after the acknowledgement ----------------------------------------------------------------------------------

    def _answer_in_form(self, message: Message, *, final: bool) -> None:
        try:
            self._open_form(forms.notice(message, final=final))
        except FormNotOpened:
            self._tell(message)

    def _answer_in_thread(self, message: Message) -> None:
        interaction = self._interaction
        try:
            self._slack.chat_postEphemeral(
                channel=interaction.channel,
                user=interaction.user,
                thread_ts=interaction.message_ts,
                text=message.text,
                blocks=message.simple,
            )
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("answer not posted: %s", _reason(error))
            self._send_directly(message)

    def _tell(self, message: Message) -> None:
        """Show a message to the person alone, by response_url or as a direct message."""
        response_url = self._interaction.response_url or self._interaction.form.response_url
        if not response_url or not self._slack.whisper(response_url, message):
            self._send_directly(message)

    def _send_directly(self, message: Message) -> None:
        """If Slack refuses direct messages too, the failure channel gets a report."""
        person = self._interaction.user
        try:
            self._post(self._slack.conversations_open(users=person)["channel"]["id"], message)
        except (SlackApiError, *UNREACHABLE) as error:
            log.warning("answer not sent: %s", _reason(error))
            not_answered = text_message(answers("not_answered", person=person, why=_reason(error)))
            try:
                self._post(self._failure_channel, not_answered)
            except (SlackApiError, *UNREACHABLE) as refusal:
                log.error("the person got no answer: %s", _reason(refusal))

    def _post(self, channel: str, message: Message) -> None:
        self._slack.chat_postMessage(
            channel=channel, text=message.text, blocks=message.simple, unfurl_links=False, unfurl_media=False
        )


def _reason(error: Exception) -> str:
    return error_word(error) if isinstance(error, SlackApiError) else str(error)
