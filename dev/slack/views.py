"""Modals and App Homes: the stack of open modals per person, one Home each, and their hashes."""

import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from dev.slack.block_validation import check_view, with_ids
from dev.slack.workspace import APP_ID, BOT_ID, TEAM_ID, Json, SlackError, Workspace, random_id

STACK_LIMIT = 3


class Views:
    """What each person has open now."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self.stacks: dict[str, list[Json]] = defaultdict(list)
        self.homes: dict[str, Json] = {}

    def __iter__(self) -> Iterator[Json]:
        for stack in self.stacks.values():
            yield from stack
        yield from self.homes.values()

    def find(self, *, view_id: str = "", external_id: str = "") -> Json:
        """SlackError not_found where no open view has this id."""
        for view in self:
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return view
        raise SlackError("not_found")

    def owner(self, view: Json) -> str:
        """The person who is looking at this view."""
        for user, stack in self.stacks.items():
            if any(view is open_view for open_view in stack):
                return user
        return next(user for user, home in self.homes.items() if home is view)

    def check(self, content: Any, kind: str) -> None:
        """SlackError invalid_arguments where this can't be a "modal" or "home"."""
        problems = check_view(content)
        if not problems and content["type"] != kind:
            problems = [f"[ERROR] must be {kind} [json-pointer:/view/type]"]
        if problems:
            raise SlackError("invalid_arguments", *problems)

    # -- what an app does --------------------------------------------------------------------------------

    def open(self, user: str, content: Any) -> Json:
        """A new modal on an empty stack."""
        view = self._build(content, "modal")
        self.stacks[user] = [view]
        self._workspace.touch()
        return view

    def push(self, user: str, content: Any) -> Json:
        """A modal over the ones that are open. SlackError not_found or push_limit_reached."""
        stack = self.stacks[user]
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= STACK_LIMIT:
            raise SlackError("push_limit_reached")
        view = self._build(content, "modal")
        view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
        stack.append(view)
        self._workspace.touch()
        return view

    def update(self, view: Json, content: Any, view_hash: str = "") -> Json:
        """Replace what a view shows. SlackError hash_conflict where it changed since `view_hash`."""
        if view_hash and view_hash != view["hash"]:
            raise SlackError("hash_conflict")
        fresh = self._build(content, view["type"], replaces=view)
        for key in ("id", "root_view_id", "previous_view_id"):
            fresh[key] = view[key]
        view.clear()
        view.update(fresh)
        self._workspace.touch()
        return view

    def publish(self, user: str, content: Any, view_hash: str = "") -> Json:
        """This person's App Home."""
        home = self.homes.get(user)
        if home is not None:
            return self.update(home, content, view_hash)
        self.homes[user] = self._build(content, "home")
        self._workspace.touch()
        return self.homes[user]

    # -- what a person does ------------------------------------------------------------------------------

    def close(self, user: str, *, all_of_them: bool = False) -> list[Json]:
        """Take the top modal (or every one) off the stack and return what was closed, topmost first."""
        stack = self.stacks[user]
        count = len(stack) if all_of_them else min(1, len(stack))
        closed = [stack.pop() for _ in range(count)]
        self._workspace.touch()
        return closed

    def _build(self, content: Any, kind: str, replaces: Json | None = None) -> Json:
        self.check(content, kind)
        external_id = content.get("external_id", "")
        if external_id and any(v["external_id"] == external_id and v is not replaces for v in self):
            raise SlackError("duplicate_external_id")
        view_id = random_id("V", 10)
        return {
            "id": view_id,
            "team_id": TEAM_ID,
            "title": None, "close": None, "submit": None, "private_metadata": "", "callback_id": "",
            "clear_on_close": False, "notify_on_close": False, "external_id": "",
            **content,
            "blocks": with_ids(content["blocks"]),
            "state": {"values": {}},
            "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
            "root_view_id": view_id, "previous_view_id": None,
            "app_id": APP_ID, "app_installed_team_id": TEAM_ID, "bot_id": BOT_ID,
        }  # fmt: skip
