"""FormContext: where a form was opened, as Slack keeps it with the form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, TypeAdapter

# No character of these is escaped in JSON, so that private_metadata stays within Slack's 3,000 characters.
ChannelId = Annotated[str, Field(pattern=r"^[A-Z0-9]*$", max_length=50)]
Url = Annotated[str, Field(pattern=r"^(https?://[!#-\[\]-~]+)?$", max_length=2_000)]
StoreId = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$", max_length=50)]


@dataclass(frozen=True)
class FormContext:
    """Where a form was opened, kept in its private_metadata.

    `channel` gets the job's messages, '' for the person's direct messages; `response_url` takes an answer for the
    person alone, '' if there is none; `store_id` is the store that the form is about."""

    channel: ChannelId = ""
    response_url: Url = ""
    store_id: StoreId = ""

    def packed(self) -> str:
        """As private_metadata."""
        return json.dumps(self.__dict__)

    @staticmethod
    def unpacked(text: str) -> FormContext:
        """From private_metadata. Raises pydantic.ValidationError for text that is not ours."""
        return TypeAdapter(FormContext).validate_json(text or "{}")
