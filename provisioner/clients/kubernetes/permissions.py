"""Missing permissions, and the time that a new RoleBinding needs."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass

BINDING_SECONDS = 10.0  # for a new RoleBinding to reach the authorizer of every API server
# The authorizer's message, whichever authorizer it is (k8s.io/apiserver: responsewriters.Forbidden). An admission
# policy's or a quota's 403 reads differently.
DENIAL = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) (?:resource|path) "(?P<resource>[^"]+)"'
    r'(?: in API group "(?P<group>[^"]*)")?(?: in the namespace "(?P<namespace>[^"]+)")?'
)
# RBAC's message to a user who binds a role without the verb `bind` on it
# (k8s.io/kubernetes: pkg/registry/rbac/validation/rule.go).
ESCALATION = re.compile(
    r'user "(?P<user>[^"]*)" .*is attempting to grant RBAC permissions not currently held', re.DOTALL
)


@dataclass(frozen=True)
class Permission:
    """One permission of RBAC.

    `resource` may have a subresource, such as pods/log. `namespace` is '' for the whole cluster, `name` is '' for all
    objects, and `user` is '' for the bot.
    """

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    name: str = ""
    user: str = ""

    def __str__(self) -> str:
        """Such as: create jobs.batch in the namespace storewright."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        where = f"in the namespace {self.namespace}" if self.namespace else ""
        return " ".join(filter(None, (self.verb, resource, self.name, where)))

    @property
    def remedy(self) -> str:
        """The next step for the operator."""
        return (
            f"Grant {self.user or 'the bot'} this permission, then retry. The chart charts/storewright grants every"
            " permission that the bot needs; `storewright doctor` lists the missing ones."
        )

    @staticmethod
    def missing_in(message: str) -> Permission | None:
        """The permission that an error message names as missing, or None."""
        if found := DENIAL.search(message):
            return Permission(**found.groupdict(default=""))
        if found := ESCALATION.search(message):
            return Permission("bind", "clusterroles", "rbac.authorization.k8s.io", user=found["user"])
        return None


class NewBindings:
    """The namespaces with a RoleBinding of the last BINDING_SECONDS.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._bound_at: dict[str, float] = {}  # by the monotonic clock
        self._lock = threading.Lock()

    def note(self, namespace: str, seconds_ago: float = 0.0) -> None:
        """Remember that a namespace got its binding.

        `seconds_ago` is less than 0 if our clock is behind that of the API server."""
        with self._lock:
            self._bound_at[namespace] = time.monotonic() - max(0.0, seconds_ago)

    def is_new(self, namespace: str) -> bool:
        with self._lock:
            return time.monotonic() < self._bound_at.get(namespace, float("-inf")) + BINDING_SECONDS
