"""Which request, job and store this thread is at work for: ids that every log line carries, across threads too."""

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
    """What is logged within the block carries `ids`, such as request, job or store."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def bound_ids() -> Mapping[str, str]:
    """The ids of here and now."""
    return _ids.get()


def carried(act: Callable[P, T]) -> Callable[P, T]:
    """`act`, to be called once in another thread, with the ids of this one."""
    context = copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return context.run(act, *args, **kwargs)

    return run


def new_id() -> str:
    """Twelve hex digits."""
    return uuid4().hex[:12]
