"""`@Storewright …` in a message: the same words as after /store. In a store's thread, the store needs no name."""

from __future__ import annotations

from dataclasses import replace

from slack_bolt import App

from bot.commands.registry import COMMANDS
from bot.commands.request import Response
from bot.commands.typed import split
from bot.rendering.texts import answers
from bot.slack.attend import SlackDependencies, attended
from bot.slack.interaction import MENTIONED, Interaction
from bot.slack.listeners.commands import typed
from provisioner.domain.errors import Refused


def register(app: App, dependencies: SlackDependencies) -> None:
    """Add the listener to the app."""
    app.event(MENTIONED)(attended(dependencies, mentioned, store_of_thread))


def mentioned(dependencies: SlackDependencies, interaction: Interaction) -> Response:
    """Run the command. Raises Refused, also where it asks with a form: Slack opens none for a mention."""
    text = _with_store(interaction.text, store_of_thread(dependencies, interaction))
    response = typed(dependencies, replace(interaction, text=text))
    if response.form:
        raise Refused(answers("needs_form"), "", f"Type it as a command, outside of the thread: /store {text}")
    return response


def store_of_thread(dependencies: SlackDependencies, interaction: Interaction) -> str:
    """The name of the store that the thread is about, '' if there is none."""
    ledger = dependencies.commands.ledger
    job_id = ledger.outbox.job_of_message(interaction.channel, interaction.message_ts)
    job = ledger.jobs.get(job_id) if job_id else None
    return job.store if job else ""


def _with_store(text: str, store: str) -> str:
    """The words with the thread's store in them: `logs database` becomes `logs my-shop database`."""
    words = split(text) or (["status"] if store else ["help"])
    command = COMMANDS.get(words[0].lower())
    if store and command and command.arguments.startswith("NAME") and words[1:2] != [store]:
        words.insert(1, store)
    return " ".join(words)
