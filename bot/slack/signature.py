"""SignatureCheck: only Slack's own requests pass."""

from __future__ import annotations

import logging
import re

from slack_sdk.signature import SignatureVerifier

log = logging.getLogger(__name__)


class SignatureCheck:
    """Slack's signature of a request (docs.slack.dev/authentication/verifying-requests-from-slack)."""

    def __init__(self, signing_secret: str) -> None:
        self._verifier = SignatureVerifier(signing_secret)

    def passes(self, body: str, timestamp: str, signature: str) -> bool:
        """Whether Slack signed this body within the last five minutes. Logs a refusal, without the body."""
        well_formed = re.fullmatch(r"[0-9]{1,15}", timestamp) and signature.isascii()
        if well_formed and self._verifier.is_valid(body, timestamp, signature):
            return True
        log.warning("request with a wrong signature or time refused", extra={"timestamp": timestamp[:20]})
        return False
