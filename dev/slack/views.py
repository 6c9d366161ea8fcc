"""Modals and App Homes of all users."""

import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from dev.slack.block_validation import check_view, with_ids
from dev.slack.workspace import APP_ID, BOT_ID, TEAM_ID, Json, SlackError, Workspace, random_id

MAX_STACKED_VIEWS = 3


class Views:
    """The open views of all users.

    Each view has a hash that changes with its content."""

    def __init__(self, workspace: Workspace):
        self._workspace = workspace
        self.stacks: dict[str, list[Json]] = defaultdict(list)
        self.homes: dict[str, Json] = {}

    def __iter__(self) -> Iterator[Json]:
        for stack in self.stacks.values():
            yield from stack
        yield from self.homes.values()

    def find(self, *, view_id: str = "", external_id: str = "") -> Json:
        """The open view with this id. Raises SlackError not_found."""
        for view in self:
            if view["id"] == view_id or (external_id and view["external_id"] == external_id):
                return view
        raise SlackError("not_found")

    def owner(self, view: Json) -> str:
        """The user who has this view open."""
        for user, stack in self.stacks.items():
            if any(view is open_view for open_view in stack):
                return user
        return next(user for user, home in self.homes.items() if home is view)

    def check(self, content: Any, kind: str) -> None:
        """Validate a view of the type `kind` ("modal" or "home"). Raises SlackError invalid_arguments."""
        problems = check_view(content)
        if not problems and content["type"] != kind:
            problems = [f"[ERROR] must be {kind} [json-pointer:/view/type]"]
        if problems:
            raise SlackError("invalid_arguments", *problems)

    # -- calls of the app --------------------------------------------------------------------------------

    def open(self, user: str, content: Any) -> Json:
        """Open a modal; it replaces the user's stack."""
        view = self._build(content, "modal")
        self.stacks[user] = [view]
        self._workspace.mark_changed()
        return view

    def push(self, user: str, content: Any) -> Json:
        """Open a modal on top of the user's stack. Raises SlackError not_found or push_limit_reached."""
        stack = self.stacks[user]
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= MAX_STACKED_VIEWS:
            raise SlackError("push_limit_reached")
        view = self._build(content, "modal")
        view |= {"root_view_id": stack[0]["id"], "previous_view_id": stack[-1]["id"]}
        stack.append(view)
        self._workspace.mark_changed()
        return view

    def update(self, view: Json, content: Any, view_hash: str = "") -> Json:
        """Replace the content of a view. Raises SlackError hash_conflict if it changed since `view_hash`."""
        if view_hash and view_hash != view["hash"]:
            raise SlackError("hash_conflict")
        fresh = self._build(content, view["type"], replaces=view)
        for key in ("id", "root_view_id", "previous_view_id"):
            fresh[key] = view[key]
        view.clear()
        view.update(fresh)
        self._workspace.mark_changed()
        return view

    def publish(self, user: str, content: Any, view_hash: str = "") -> Json:
        """Create or replace the user's App Home. Raises SlackError hash_conflict."""
        home = self.homes.get(user)
        if home is not None:
            return self.update(home, content, view_hash)
        self.homes[user] = self._build(content, "home")
        self._workspace.mark_changed()
        return self.homes[user]

    # -- actions of the user -----------------------------------------------------------------------------

    def close(self, user: str, *, clear: bool = False) -> list[Json]:
        """Close the top modal, or with `clear` the whole stack.

        Returns the closed modals, topmost first."""
        stack = self.stacks[user]
        count = len(stack) if clear else min(1, len(stack))
        closed = [stack.pop() for _ in range(count)]
        self._workspace.mark_changed()
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
