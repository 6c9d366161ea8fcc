"""One-time credential links: mint, check, claim. A link refers to the store's Secret and never holds a copy."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from provisioner.domain.errors import LinkRefused
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import CredentialLink

LIFETIME_SECONDS = 15 * 60.0
NEW_LINK = "Get a new one in Slack with the button “Get admin credentials”."


@dataclass(frozen=True)
class MintedLink:
    """A new link: `id` is public, `token` is shown to its person only and never stored."""

    id: str
    token: str
    expires_at: float


def mint(ledger: Ledger, store: Store, minted_for: str) -> MintedLink:
    """Make a link for one reveal within 15 minutes. Earlier links of the store stop working.

    Raises StoreNotFound."""
    link_id, token, now = secrets.token_urlsafe(12), secrets.token_urlsafe(32), ledger.clock()
    expires_at = now + LIFETIME_SECONDS
    ledger.links.add(CredentialLink(link_id, _digest(token), store.id, minted_for, now, expires_at))
    return MintedLink(link_id, token, expires_at)


def reveal(
    ledger: Ledger,
    link_id: str,
    token: str,
    read_secret: Callable[[Store], dict[str, str]],
    *,
    detail: str,
    request_id: str,
) -> tuple[Store, dict[str, str]]:
    """Use the link up and return the store and its credentials (Secret key -> value).

    The Secret is read before the claim, so that an error of `read_secret`, which is raised as it is, uses up no link.
    The claim and its audit row are one transaction.

    Raises LinkRefused if the link is unknown, used, expired or revoked; a wrong token looks like an unknown link."""
    store = check(ledger, link_id, token)
    credentials = read_secret(store)
    link = ledger.links.get(link_id)
    if not link or not ledger.links.claim(link_id, actor=link.minted_for, detail=detail, request_id=request_id):
        raise _refusal(link)
    return store, credentials


def check(ledger: Ledger, link_id: str, token: str) -> Store:
    """The store of a usable link; changes nothing. Raises LinkRefused."""
    link = ledger.links.get(link_id)
    # Compared even if the link is unknown, so that the time taken reveals nothing.
    if not hmac.compare_digest(link.token_hash if link else _digest(""), _digest(token)) or not link:
        raise LinkRefused("This link is not valid.", "It is incomplete or mistyped.", NEW_LINK)
    if link.claimed_at or link.revoked_at or link.expires_at <= ledger.clock():
        raise _refusal(link)
    store = ledger.stores.get(link.store_id)
    if not store or store.ending:
        raise LinkRefused("This link is for a store that was deleted.")
    return store


def _refusal(link: CredentialLink | None) -> LinkRefused:
    if link and link.claimed_at:
        return LinkRefused("This link was already used.", "It shows the credentials once.", NEW_LINK)
    if link and link.revoked_at:
        return LinkRefused("This link was revoked.", "A newer one exists, or the store is being deleted.", NEW_LINK)
    return LinkRefused("This link has expired.", "It works for 15 minutes.", NEW_LINK)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
