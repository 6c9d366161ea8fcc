"""Types of settings: what a variable's text must look like, and how files are read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from provisioner.domain.expiry import duration
from provisioner.domain.idleness import read_idle_types


def matching(pattern: str) -> AfterValidator:
    """The whole text must match."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if text is not None and not re.fullmatch(pattern, text):
            raise ValueError("has an invalid format")
        return value

    return AfterValidator(check)


def _existing(value: Path | None) -> Path | None:
    if value is not None and not value.exists():
        raise ValueError("names a path that does not exist")
    return value


def _yaml_maps(path: Any) -> Any:
    """The content of a YAML file with a map of maps. It is read once: the file may change while the bot runs."""
    if not isinstance(path, str | Path):
        return path
    try:
        content = yaml.safe_load(Path(path).read_text()) or {}
    except FileNotFoundError:
        raise ValueError("names a path that does not exist") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"can't be read as YAML ({' '.join(str(error).split())})") from None
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        raise ValueError("is YAML, but not a map whose values are maps")
    return content


def _seconds(value: Any) -> Any:
    return duration(value) if isinstance(value, str) else value


def _idle_types(value: Any) -> Any:
    return read_idle_types(value) if isinstance(value, str) else value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError("names no time zone") from None
    return value


# Labels as in DNS. Browsers take a host whose last label is a number for an IPv4 address (WHATWG URL, host parsing).
DOMAIN = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*(?!(\d+|0x[0-9a-f]*)$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SlackUserId = Annotated[str, matching(r"[UW][A-Z0-9]{5,}")]
PublicUrl = Annotated[str, Field(max_length=1000), matching(r"https?://[^\s/?#]+(/[^\s?#]*)?")]
Duration = Annotated[float, BeforeValidator(_seconds)]
IdleTypes = Annotated[dict[str, float | None], NoDecode, BeforeValidator(_idle_types)]
ExistingPath = Annotated[Path, AfterValidator(_existing)]
TimeZone = Annotated[str, AfterValidator(_zone)]
YamlMaps = Annotated[dict[str, dict[str, Any]], NoDecode, BeforeValidator(_yaml_maps)]

# What a job waits for, for some time each, by the name of its setting.
TROUBLES = {
    "image": "a missing image",
    "access": "a registry's refusal of the login",
    "registry": "trouble of an image registry",
    "crash": "repeated crashes of a container",
    "config": "a container that can't be created",
    "quota": "a full quota",
    "volume": "a volume that can't be created",
    "unschedulable": "a pod without a node",
    "sandbox": "trouble with a pod's volumes or network",
    "wrong_answer": "a wrong answer of a shop whose pods are ready",
    "no_answer": "no answer of such a shop",
}
