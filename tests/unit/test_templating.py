"""Templates: one that lacks a text, or that does not exist, stops the bot at its start."""

from __future__ import annotations

import pytest
from jinja2 import TemplateNotFound

from bot.rendering.templating import TextTemplate
from bot.rendering.texts import JOB_TEXTS
from provisioner.operations.registry import OPERATIONS


def test_template_without_a_required_text_is_refused() -> None:
    with pytest.raises(LookupError, match=r"templates/verbs/delete\.j2 lacks the texts goodbye, farewell"):
        TextTemplate("verbs/delete", ("answer", "goodbye", "farewell"))


def test_missing_template_is_refused() -> None:
    with pytest.raises(TemplateNotFound, match="verbs/archive"):
        TextTemplate("verbs/archive", JOB_TEXTS)


@pytest.mark.parametrize("kind", OPERATIONS)
def test_every_operation_has_every_text_of_a_job(kind: str) -> None:
    TextTemplate(f"verbs/{kind}", JOB_TEXTS)


def test_unknown_text_is_an_error() -> None:
    with pytest.raises(AttributeError):
        TextTemplate("home")("no_such_text")
