"""Long answers of the API server, line by line.

Such are a watch and a followed log.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import urllib3
from kubernetes.client import ApiException

from provisioner.clients.kubernetes.errors import brief
from provisioner.domain.errors import StorewrightError, Transient


class LineStream:
    """The lines of one answer. Each iteration sends the request again.

    Only whole lines are given: where a connection breaks, the last line may be cut off.
    """

    def __init__(self, request: Callable[[], Any], typed: Callable[[ApiException], StorewrightError]) -> None:
        """`request` sends the request and returns the answer with its body unread; `typed` translates a refusal."""
        self._request, self._typed = request, typed
        self._answer: Any = None
        self._stopped = False
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[str]:
        """Raises Transient or JobFailed; after `stop`, ends."""
        try:
            answer = self._open()
            if answer is not None:
                with closing(answer):
                    yield from _lines(answer)
        except ApiException as error:
            if not self._stopped:
                raise self._typed(error) from error
        except (urllib3.exceptions.HTTPError, ValueError, OSError) as error:
            if not self._stopped:
                raise Transient("The connection to the Kubernetes API broke.", brief(error)) from error

    def stop(self) -> None:
        """Close the connection at once, from another thread. No more lines follow."""
        with self._lock:
            self._stopped = True
            answer = self._answer
        if answer is not None:
            with suppress(OSError, ValueError, RuntimeError):  # the answer has ended already
                answer.shutdown()

    def _open(self) -> Any:
        """Send the request; None where the stream was stopped meanwhile."""
        answer = self._request()
        with self._lock:
            if not self._stopped:
                self._answer = answer
                return answer
        answer.close()
        return None


def _lines(answer: Any) -> Iterator[str]:
    rest = b""
    for part in answer.stream(None, decode_content=False):
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
