"""Faults that a test schedules: refused, lost, late and repeated requests."""

from dataclasses import dataclass, field

from dev.slack.block_validation import check_message
from dev.slack.workspace import Json

FAULT_KINDS = (
    "ratelimited",
    "server_error",
    "error",
    "drop_response",
    "hang",
    "latency",
    "invalid_blocks",
    "duplicate",
)


@dataclass
class Fault:
    """One scheduled fault, which applies `times` times (0: until cleared).

    Kinds with a `method`: a Web API method, "response_url", or "*" for every method:
      ratelimited      HTTP 429 with Retry-After: `seconds`
      server_error     HTTP 500; the call has no effect
      error            ok:false with the error `code`; with a `channel`, only calls for that channel or user id
      drop_response    the call takes effect, then the connection breaks
      hang             the call takes effect, and the answer comes after `seconds`
      latency          the call starts after `seconds`
      invalid_blocks   refuses messages that contain one of `block_types`
    Kinds without a `method`:
      duplicate        sends the next delivery to the bot twice, byte for byte

    Raises ValueError for an unknown kind."""

    kind: str
    method: str = "*"
    times: int = 1
    seconds: float = 1
    code: str = "internal_error"
    channel: str = ""
    block_types: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"Unknown fault kind {self.kind!r}. Choose one of {', '.join(FAULT_KINDS)}.")


class Faults:
    """The scheduled faults, applied in the order in which they were added."""

    def __init__(self) -> None:
        self._scheduled: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Schedule a fault."""
        self._scheduled.append(fault)

    def clear(self) -> None:
        """Remove all scheduled faults."""
        self._scheduled.clear()

    def check_message(self, blocks: list[Json], method: str) -> list[str]:
        """The problems of a message's blocks, or of those that a scheduled `invalid_blocks` refuses."""
        if problems := check_message(blocks):
            return problems
        kinds = frozenset(block["type"] for block in blocks)
        refused = self.take("invalid_blocks", method, kinds)
        return [f"[ERROR] unsupported type: {kind} [json-pointer:/blocks]" for kind in sorted(kinds)] if refused else []

    def take(
        self, kind: str, method: str = "*", block_types: frozenset[str] = frozenset(), channel: str = ""
    ) -> Fault | None:
        """The first scheduled fault of this kind for this method, or None.

        Counts as one use of it."""
        for fault in self._scheduled:
            if fault.kind != kind or fault.method not in ("*", method) or fault.channel not in ("", channel):
                continue
            if fault.block_types and not block_types.intersection(fault.block_types):
                continue
            if fault.times == 1:
                self._scheduled.remove(fault)
            fault.times = max(0, fault.times - 1)
            return fault
        return None
