"""The texts of messages: one template file each, in templates/."""

from __future__ import annotations

from bot.rendering.templating import TextTemplate
from provisioner.operations.registry import OPERATIONS

# Every operation has a template with these texts: a missing one stops the bot at its start.
JOB_TEXTS = ("answer", "working", "succeeded", "outdated", "fate", "cancelled", "later")
verbs = {kind: TextTemplate(f"verbs/{kind}", JOB_TEXTS) for kind in OPERATIONS}
jobs, answers, home = TextTemplate("jobs"), TextTemplate("answers"), TextTemplate("home")
shared, credentials, refused = TextTemplate("shared"), TextTemplate("credentials"), TextTemplate("refused")
expiry, transfer, idle = TextTemplate("expiry"), TextTemplate("transfer"), TextTemplate("idle")
