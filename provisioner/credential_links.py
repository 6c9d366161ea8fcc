"""One-time credential links: mint, look, claim. A link refers to the store's Secret and never holds a copy."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from provisioner.domain.errors import LinkRefused
from provisioner.domain.store import Store, StoreStatus
from provisioner.ledger.ledger import CredentialLink, Ledger

LIFETIME = 15 * 60.0  # seconds


@dataclass(frozen=True)
class MintedLink:
    """A new link: `id` is public, `token` is shown to its person only and never stored."""

    id: str
    token: str
    expires_at: float


def mint(ledger: Ledger, store: Store, minted_for: str) -> MintedLink:
    """A link for one reveal within 15 minutes; earlier links of the store stop working. Raises StoreNotFound."""
    link_id, token, now = secrets.token_urlsafe(12), secrets.token_urlsafe(32), ledger.clock()
    ledger.add_link(CredentialLink(link_id, _digest(token), store.id, minted_for, now, now + LIFETIME))
    return MintedLink(link_id, token, now + LIFETIME)


def reveal(
    ledger: Ledger,
    link_id: str,
    token: str,
    read_secret: Callable[[Store], dict[str, str]],
    *,
    detail: str,
    request_id: str,
) -> tuple[Store, dict[str, str]]:
    """Use the link up: the store and its credentials (secret key -> value).

    The Secret is read first, then claim and audit commit in one transaction, then the answer is given: an API failure
    (raised as `read_secret` raises it) burns no link. Raises LinkRefused where it is unknown, used, expired or revoked,
    without telling a wrong token from an unknown link."""
    store = look(ledger, link_id, token)
    credentials = read_secret(store)
    link = ledger.link(link_id)
    if not link or not ledger.claim_link(link_id, actor=link.minted_for, detail=detail, request_id=request_id):
        raise _refusal(link, ledger.clock())
    return store, credentials


def look(ledger: Ledger, link_id: str, token: str) -> Store:
    """The store a usable link is for, changing nothing. Raises LinkRefused."""
    link = ledger.link(link_id)
    # Compared even where the link is unknown, so that the time taken tells nothing.
    if not hmac.compare_digest(link.token_hash if link else _digest(""), _digest(token)) or not link:
        raise LinkRefused("This link is not valid.", "It is incomplete or mistyped.", NEW_LINK)
    if link.claimed_at or link.revoked_at or link.expires_at <= ledger.clock():
        raise _refusal(link, ledger.clock())
    store = ledger.store_by_id(link.store_id)
    if not store or store.status in (StoreStatus.DELETING, StoreStatus.DELETED):
        raise LinkRefused("This link is for a store that was deleted.")
    return store


NEW_LINK = "Ask for a new one in Slack with the button “Get admin credentials”."


def _refusal(link: CredentialLink | None, now: float) -> LinkRefused:
    if link and link.claimed_at:
        return LinkRefused("This link was used already.", "It shows the credentials once.", NEW_LINK)
    if link and link.revoked_at:
        return LinkRefused("This link was withdrawn.", "A newer one was made, or the store is being deleted.", NEW_LINK)
    return LinkRefused("This link is too old.", "It works for 15 minutes.", NEW_LINK)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
