"""Nodes, and the pods of the whole cluster. The bot may read them only where its operator allows it."""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.clients.kubernetes.api import Api
from provisioner.clients.kubernetes.objects import Object
from provisioner.clients.kubernetes.resources import NODES, PODS

PAGE = 500  # pods of one answer
NOT_OVER = "status.phase!=Succeeded,status.phase!=Failed"


class Nodes(Api):
    """Raises Forbidden where the bot may not list them."""

    def nodes(self) -> list[Object]:
        """All nodes."""
        return self._list(NODES)

    def pods_everywhere(self) -> Iterator[Object]:
        """The pods of all namespaces that are not over, page by page."""
        query: dict[str, object] = {"fieldSelector": NOT_OVER, "limit": PAGE}
        while True:
            answer = self._call("GET", PODS.path(), query=query)
            yield from answer["items"]
            following = answer["metadata"].get("continue")
            if not following:
                return
            query["continue"] = following
