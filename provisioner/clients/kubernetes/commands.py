"""Commands in running containers, as `kubectl exec` runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import urlencode

from provisioner.clients.kubernetes.api import STREAM_IDLE_SECONDS, Api
from provisioner.clients.kubernetes.errors import brief
from provisioner.clients.kubernetes.resources import PODS
from provisioner.domain.errors import JobFailed, Transient

STDIN, STDOUT, STDERR, STATUS = (
    0,
    1,
    2,
    3,
)  # channels of v4.channel.k8s.io (k8s.io/apimachinery: pkg/util/remotecommand)
KEPT_STDERR = 2000  # bytes
FRAME_BYTES = 100_000


class Commands(Api):
    """Commands in the containers of pods."""

    def output_of(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: bytes = b""
    ) -> Iterator[bytes]:
        """What the command prints to its standard output, in parts as they come. Its output may be of any size.

        The command gets `content` on its standard input, which does not end then: it must know how much to read.

        Raises Transient where the connection breaks, and JobFailed with the end of its standard error where the
        command ends with another code than 0.
        """
        from websocket import ABNF, WebSocketBadStatusException, WebSocketException  # only a download needs it

        errors = b""
        try:
            with closing(self._open_command(namespace, pod, container, command, bool(content))) as socket:
                for start in range(0, len(content), FRAME_BYTES):
                    socket.send_binary(bytes([STDIN]) + content[start : start + FRAME_BYTES])
                while True:
                    kind, frame = socket.recv_data_frame(True)
                    if kind == ABNF.OPCODE_CLOSE:
                        raise Transient("The connection to the container broke.", f"{pod} may have ended.")
                    channel, data = (frame.data[0], frame.data[1:]) if frame.data else (STDOUT, b"")
                    if channel == STATUS:
                        return _require_success(json.loads(data), errors)
                    if channel == STDERR:
                        errors = (errors + data)[-KEPT_STDERR:]
                    elif channel == STDOUT and data:
                        yield data
        except WebSocketBadStatusException as error:
            what = "Kubernetes did not run a command in the container."
            raise Transient(what, f"Status {error.status_code}.") from error
        except (WebSocketException, OSError, ValueError) as error:
            raise Transient("The connection to the container broke.", brief(error)) from error

    def _open_command(self, namespace: str, pod: str, container: str, command: Sequence[str], stdin: bool) -> Any:
        from kubernetes.stream.ws_client import create_websocket, get_websocket_url

        path, auth = PODS.path(namespace, pod, "exec"), ["BearerToken"]
        _, url, headers, *_ = self._client.param_serialize("GET", path, {}, {}, {}, None, auth_settings=auth)
        streams = {"stdin": int(stdin), "stdout": 1, "stderr": 1}
        query = urlencode({"container": container, "command": command, **streams}, doseq=True)
        socket = create_websocket(self._client.configuration, f"{get_websocket_url(url)}?{query}", headers)
        socket.settimeout(STREAM_IDLE_SECONDS)
        return socket


def _require_success(status: Any, errors: bytes) -> None:
    """Raises JobFailed unless the command ended with 0."""
    if status.get("status") != "Success":
        what = f"A command in the container failed: {status.get('message', 'it does not say why')}."
        raise JobFailed(what, errors.decode(errors="replace").strip())
