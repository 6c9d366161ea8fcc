"""A bot with one store that was ordered in Slack."""

from __future__ import annotations

from typing import Any

from dev.stack import Stack, job_of, kubectl, newest_root


class SlackStore:
    """Dana's store called `name`, in #stores of the stack's local Slack."""

    def __init__(self, stack: Stack, name: str) -> None:
        self.stack, self.cluster, self.name = stack, stack.cluster, name
        self.slack = stack.slack()

    def create(self, type: str) -> None:
        """Create the store and wait until it is ready. `type` may be followed by options."""
        assert self.slack.command("Dana", "#stores", f"/store create {self.name} {type}").ok
        self.root("create", "succeeded")

    def restart_bot(self, *, kill: bool = False) -> None:
        process = self.stack.bot_process.process()
        assert process is not None
        if kill:
            process.kill()
            process.wait(10)
        self.stack.bot_process.stop()
        self.stack.start_bot()

    def root(self, kind: str, status: str, seconds: float = 90) -> dict[str, Any]:
        """The newest root message of a job of this kind, once it has this status."""

        def look() -> dict[str, Any] | None:
            found = newest_root(self.slack.messages("#stores"), kind=kind)
            return found if found and job_of(found)["status"] == status else None

        return self.slack.wait_for(look, seconds, f"{kind} {status}")

    def page(self) -> str:
        return self.cluster.get(f"{self.name}.{self.cluster.store_domain}").text

    def kubectl(self, *args: str) -> str:
        return kubectl(self.cluster, *args, "-n", f"store-{self.name}")
