"""Is an image in its registry? Asked of the registry itself, as a node would ask, but without any secret."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT = 5.0  # seconds
DOCKER = "docker.io"


class Unknown(Exception):
    """It can't be told from here; `str()` says why."""


@dataclass(frozen=True)
class Image:
    """A name as in a pod's spec, in its parts; `reference` is a tag or a digest."""

    registry: str
    repository: str
    reference: str

    @staticmethod
    def of(name: str) -> Image:
        """By the rules of container runtimes: docker.io and its library/ go without saying, and so does latest."""
        name, _, digest = name.partition("@")
        first, _, rest = name.partition("/")
        has_registry = bool(rest) and ("." in first or ":" in first or first == "localhost")
        registry, path = (first, rest) if has_registry else (DOCKER, name)
        repository, _, tag = path.partition(":")
        if registry == DOCKER and "/" not in repository:
            repository = f"library/{repository}"
        return Image(registry, repository, digest or tag or "latest")

    @property
    def full(self) -> str:
        return f"{self.registry}/{self.repository}:{self.reference}"

    @property
    def manifest(self) -> str:
        """The address of its manifest (OCI Distribution Specification)."""
        host = "registry-1.docker.io" if self.registry == DOCKER else self.registry
        scheme = "http" if re.match(r"(localhost|127\.)", host) else "https"
        return f"{scheme}://{host}/v2/{self.repository}/manifests/{self.reference}"


def pullable(name: str) -> bool:
    """Whether its registry has it. Raises Unknown where the registry can't be reached, or does not tell strangers."""
    address = Image.of(name).manifest
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True, headers={"Accept": ACCEPT}) as http:
            answer = http.head(address)
            if answer.status_code == 401 and (token := _token(http, answer.headers.get("WWW-Authenticate", ""))):
                answer = http.head(address, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise Unknown(f"the registry does not answer from here ({error or type(error).__name__}).") from None
    if answer.status_code in (200, 404):
        return answer.status_code == 200
    raise Unknown(f"the registry says {answer.status_code} to strangers.")


def _token(http: httpx.Client, challenge: str) -> str:
    """A token for anybody, by the registry's own word on where to get one; '' where it gives none."""
    asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if not challenge.startswith("Bearer") or "realm" not in asked:
        return ""
    realm = asked.pop("realm")
    answer = http.get(realm, params=asked)
    told = answer.json() if answer.status_code == 200 else {}
    return str(told.get("token") or told.get("access_token") or "")
