"""Anonymous image lookup in a container registry (OCI Distribution API)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
TIMEOUT_SECONDS = 5.0
DOCKER_HUB = "docker.io"


class LookupFailed(Exception):
    """The registry gave no answer about the image; `str()` is the reason."""


@dataclass(frozen=True)
class Image:
    """An image name of a pod spec; `reference` is a tag or digest."""

    registry: str
    repository: str
    reference: str

    @staticmethod
    def parse(name: str) -> Image:
        """Parse a name like container runtimes do.

        The defaults are the registry docker.io, its folder library/ and the tag latest."""
        name, _, digest = name.partition("@")
        first, _, rest = name.partition("/")
        has_registry = bool(rest) and ("." in first or ":" in first or first == "localhost")
        registry, path = (first, rest) if has_registry else (DOCKER_HUB, name)
        repository, _, tag = path.partition(":")
        if registry == DOCKER_HUB and "/" not in repository:
            repository = f"library/{repository}"
        return Image(registry, repository, digest or tag or "latest")

    @property
    def full_name(self) -> str:
        return f"{self.registry}/{self.repository}:{self.reference}"

    @property
    def manifest_url(self) -> str:
        """URL of the manifest (OCI Distribution Specification)."""
        host = "registry-1.docker.io" if self.registry == DOCKER_HUB else self.registry
        scheme = "http" if re.match(r"(localhost|127\.)", host) else "https"
        return f"{scheme}://{host}/v2/{self.repository}/manifests/{self.reference}"


def is_in_registry(name: str) -> bool:
    """Whether the registry has the image.

    Raises LookupFailed if the registry can't be reached or requires credentials."""
    url = Image.parse(name).manifest_url
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=True, headers={"Accept": MANIFEST_TYPES}) as http:
            answer = http.head(url)
            if answer.status_code == 401 and (token := _token(http, answer.headers.get("WWW-Authenticate", ""))):
                answer = http.head(url, headers={"Authorization": f"Bearer {token}"})
    except httpx.HTTPError as error:
        raise LookupFailed(f"the registry does not answer from here ({error or type(error).__name__}).") from None
    if answer.status_code in (200, 404):
        return answer.status_code == 200
    raise LookupFailed(f"the registry answered {answer.status_code} to an anonymous request.")


def _token(http: httpx.Client, challenge: str) -> str:
    """An anonymous token from the realm of the challenge, or ''."""
    parameters = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    if not challenge.startswith("Bearer") or "realm" not in parameters:
        return ""
    realm = parameters.pop("realm")
    answer = http.get(realm, params=parameters)
    body = answer.json() if answer.status_code == 200 else {}
    return str(body.get("token") or body.get("access_token") or "")
