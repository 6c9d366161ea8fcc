"""Which hosts an Ingress or HTTPRoute answers, with and without wildcards."""

from __future__ import annotations

import pytest

from provisioner.clients.kubernetes.routes import Route


@pytest.mark.parametrize(
    ("kind", "pattern", "host", "answers"),
    [
        ("Ingress", "deploy.example.com", "deploy.example.com", True),
        ("Ingress", "Deploy.Example.com", "deploy.example.com", True),
        ("Ingress", "example.com", "deploy.example.com", False),
        ("Ingress", "*.example.com", "deploy.example.com", True),
        ("Ingress", "*.example.com", "a.deploy.example.com", False),
        ("Ingress", "*.example.com", "example.com", False),
        ("Ingress", "*.ample.com", "deploy.example.com", False),
        ("HTTPRoute", "*.example.com", "deploy.example.com", True),
        ("HTTPRoute", "*.example.com", "a.deploy.example.com", True),
        ("HTTPRoute", "deploy.example.com", "deploy.example.com", True),
        ("HTTPRoute", "*.deploy.example.com", "deploy.example.com", False),
    ],
)
def test_route_answers_its_host_and_the_hosts_of_its_wildcard(
    kind: str, pattern: str, host: str, answers: bool
) -> None:
    assert Route(kind, "web", "site", pattern).answers(host) == answers
