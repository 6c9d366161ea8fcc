"""The log context: ids that every log line carries.

They name the current request, job and store, also in other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import ParamSpec, TypeVar
from uuid import uuid4

P = ParamSpec("P")
T = TypeVar("T")
_ids: ContextVar[Mapping[str, str]] = ContextVar("ids", default={})  # noqa: B039  (never mutated)


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Add ids to every log line of the `with` block.

    Such ids are `request`, `job` and `store`.
    """
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def bound_ids() -> Mapping[str, str]:
    """The ids of the current context."""
    return _ids.get()


def carried(act: Callable[P, T]) -> Callable[P, T]:
    """The function `act` with this thread's ids, for another thread.

    It may be called once.
    """
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.run(act, *args, **kwargs)

    return run


def new_id() -> str:
    """A new id of twelve hex digits."""
    return uuid4().hex[:12]
