"""One-time links: mint, check, use. A link refers to a store's Secret or to a backup, and never holds a copy."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from provisioner.domain.errors import LinkRefused
from provisioner.domain.store import Store
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import OneTimeLink, Purpose

T = TypeVar("T")
LIFETIME_SECONDS = 15 * 60.0
ONCE = {
    Purpose.REVEAL: "It shows the credentials once.",
    Purpose.DOWNLOAD: "It downloads the backup once.",
    Purpose.UPLOAD: "It uploads one archive.",
}
NEW_LINK = {
    Purpose.REVEAL: "Get a new one in Slack with the button “Get admin credentials”.",
    Purpose.DOWNLOAD: "Get a new one in Slack: /store export NAME",
    Purpose.UPLOAD: "Get a new one in Slack: /store import NAME",
}


@dataclass(frozen=True)
class MintedLink:
    """A new link: `id` is public, `token` is shown to its person only and never stored."""

    id: str
    token: str
    expires_at: float

    def url(self, public_url: str, page: str = "") -> str:
        """Its address at the bot's `public_url`. Browsers do not send what follows the #."""
        return f"{public_url.rstrip('/')}/s/{self.id}{page}#{self.token}"


def mint(ledger: Ledger, store: Store, minted_for: str, backup_id: str = "") -> MintedLink:
    """Make a link that works once within 15 minutes: for the credentials, or with a `backup_id` for that backup.

    Earlier links of the store for the same purpose stop working. Raises StoreNotFound."""
    return _mint(ledger, store.id, minted_for, backup_id=backup_id)


def mint_upload(ledger: Ledger, name: str, minted_for: str, origin: str) -> MintedLink:
    """Make a link that uploads one archive, which becomes the store `name`. The upload must start within 15 minutes."""
    return _mint(ledger, None, minted_for, new_store=name, origin=origin)


def _mint(ledger: Ledger, store_id: str | None, minted_for: str, **purpose: Any) -> MintedLink:
    link_id, token, now = secrets.token_urlsafe(12), secrets.token_urlsafe(32), ledger.clock()
    expires_at = now + LIFETIME_SECONDS
    ledger.links.add(OneTimeLink(link_id, _digest(token), store_id, minted_for, now, expires_at, **purpose))
    return MintedLink(link_id, token, expires_at)


def use(
    ledger: Ledger,
    link_id: str,
    token: str,
    purpose: Purpose,
    prepare: Callable[[Store, OneTimeLink], T],
    *,
    detail: str,
    request_id: str,
) -> tuple[Store, T]:
    """Use the link up and return the store and what `prepare` returns for it.

    `prepare` is called before the claim, so that an error of it, which is raised as it is, uses up no link.
    The claim and its audit row are one transaction.

    Raises LinkRefused if the link is unknown, used, expired, revoked or for something else; a wrong token looks like an
    unknown link."""
    store, link = check(ledger, link_id, token, purpose)
    prepared = prepare(store, link)
    if not ledger.links.claim(link_id, actor=link.minted_for, detail=detail, request_id=request_id):
        raise _refusal(ledger.links.get(link_id), purpose)
    return store, prepared


def check(ledger: Ledger, link_id: str, token: str, purpose: Purpose) -> tuple[Store, OneTimeLink]:
    """A usable link and its store; changes nothing. Raises LinkRefused."""
    link = known(ledger, link_id, token, purpose)
    require_unused(ledger, link)
    return store_of(ledger, link), link


def known(ledger: Ledger, link_id: str, token: str, purpose: Purpose) -> OneTimeLink:
    """The link, usable or not. Raises LinkRefused if it is unknown or for something else, or the token is wrong."""
    link = ledger.links.get(link_id)
    # Compared even if the link is unknown, so that the time taken reveals nothing.
    matches = hmac.compare_digest(link.token_hash if link else _digest(""), _digest(token))
    if not matches or not link or link.purpose != purpose:
        raise LinkRefused("This link is not valid.", "It is incomplete or mistyped.", NEW_LINK[purpose])
    return link


def require_unused(ledger: Ledger, link: OneTimeLink) -> None:
    """Raises LinkRefused if the link is used, revoked or expired."""
    if link.claimed_at or link.revoked_at or link.expires_at <= ledger.clock():
        raise _refusal(link, link.purpose)


def store_of(ledger: Ledger, link: OneTimeLink) -> Store:
    """The link's store. Raises LinkRefused if it is deleted or being deleted."""
    store = ledger.stores.get(link.store_id) if link.store_id else None
    if not store or store.ending:
        raise LinkRefused("This link is for a store that was deleted.")
    return store


def _refusal(link: OneTimeLink | None, purpose: Purpose) -> LinkRefused:
    if link and link.claimed_at:
        return LinkRefused("This link was already used.", ONCE[purpose], NEW_LINK[purpose])
    if link and link.revoked_at:
        what = "A newer one exists, or the store is being deleted."
        return LinkRefused("This link was revoked.", what, NEW_LINK[purpose])
    return LinkRefused("This link has expired.", "It works for 15 minutes.", NEW_LINK[purpose])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
