"""What is wrong at home: settings, ledger, backups, helm, charts with the operator's values, our own pages."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from bot.cli.doctor.environment import Site, is_local
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.settings import deprecation_warnings
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.backup import contents_of, faults_of
from provisioner.ledger.ledger import Ledger

LEAST_ROOM = 64e6  # bytes
TIMEOUT = 10.0  # seconds


def settings(site: Site) -> Iterator[Finding]:
    """Their form was checked before; here is what is allowed and yet seldom meant."""
    given = site.settings
    public = urlsplit(given.public_url)
    if public.scheme == "http" and not is_local(public.hostname or ""):
        message = f"PUBLIC_URL is {given.public_url}: admin credentials would cross the network in clear."
        yield wrong(message, "Serve it by https and set PUBLIC_URL to that.")
    if given.store_scheme == "http" and not is_local(given.store_domain):
        message = (
            f"STORE_SCHEME is http for {given.store_domain}: shoppers' passwords would cross the network in clear."
        )
        yield unsure(message, "Get a certificate for the stores (docs/operating.md) and set STORE_SCHEME=https.")
    for warning in deprecation_warnings():
        yield unsure(warning, "Rename the variable.")
    if not given.admins:
        yield unsure("ADMINS is empty: only owners may manage their stores.", "ADMINS=U…,U… names some.")
    yield ok(f"Complete; Slack by {given.slack_mode}, instance {given.instance}.")


def ledger(site: Site) -> Iterator[Finding]:
    path = site.settings.ledger_path
    if not path.exists():
        yield unsure(f"There is none at {path} yet.", "The bot makes it at its first start. Is LEDGER_PATH right?")
        return
    if faults := faults_of(path):
        fix = "Restore a backup: storewright ledger backups, storewright ledger restore NAME"
        yield wrong(f"{path} is damaged: {faults[0]}.", fix)
        return
    shared = Ledger.shared(path)
    try:
        shared.require_writable()
    finally:
        shared.close()
    held = contents_of(path)
    yield ok(f"{path} is sound and can be written: {held.stores} stores, {held.jobs} jobs ({held.live} live).")
    yield from _room(site)


def _room(site: Site) -> Iterator[Finding]:
    """A backup needs as much again as the ledger."""
    path = site.settings.ledger_path
    free, size = shutil.disk_usage(path.parent).free, path.stat().st_size
    if free < max(LEAST_ROOM, 3 * size):
        yield wrong(f"Its volume has {free / 1e6:.0f} MB left.", "Make room there, or a larger volume.")


def backups(site: Site) -> Iterator[Finding]:
    kept = site.settings.backups()
    newest = kept.newest()
    if not newest:
        fix = "The bot makes one within its first minutes, or: storewright ledger backup"
        yield unsure(f"There is none in {kept.folder} yet.", fix)
    elif kept.is_due() and time.time() - newest.made_at > 2 * kept.every:
        message = f"The newest of {kept.folder} is {(time.time() - newest.made_at) / 3600:.0f} h old."
        yield wrong(message, "Look for “a chore failed” in the bot's log; try: storewright ledger backup")
    elif faults := faults_of(newest.path):
        yield wrong(f"{newest.path.name} is damaged: {faults[0]}.", "Make another: storewright ledger backup")
    else:
        yield ok(f"{len(kept.kept())} in {kept.folder}, the newest is sound: {newest.path.name}.")


def helm(site: Site) -> Iterator[Finding]:
    version = site.helm.version()
    if version.startswith("v4."):
        yield ok(f"{version}.")
    else:
        yield wrong(f"{version} is not Helm 4.", "Install Helm 4 where the bot runs, or set HELM to its path.")


def charts(site: Site) -> Iterator[Finding]:
    """Each store type, rendered with the operator's values as the bot would."""
    if isinstance(site.catalog, StorewrightError):
        raise site.catalog
    for name, rendered in site.rendered.items():
        if isinstance(rendered, StorewrightError):
            fix = f"Correct STORE_VALUES or the chart. {rendered.problem.next_step}"
            yield wrong(f"{name} does not render: {rendered.problem.what}", fix)
        else:
            kind = site.catalog.get(name)
            yield ok(f"{name} {kind.version} renders with your values.")
    for unknown in set(site.settings.overlay) - set(site.catalog.types):
        message = f"STORE_VALUES has values for “{unknown}”, which is no store type."
        yield unsure(message, f"Store types: {', '.join(site.catalog.types)}.")


def public_address(site: Site) -> Iterator[Finding]:
    """Our own pages, asked for from here; another machine may see it otherwise."""
    url = site.settings.public_url.rstrip("/")
    try:
        with httpx.Client(timeout=TIMEOUT) as http:
            page = http.get(f"{url}/s/storewright-doctor")
            if page.status_code != 200 or "Storewright" not in page.text:
                fix = "Lead PUBLIC_URL to the bot's LISTEN port: check the Ingress or proxy before it."
                yield wrong(f"{url} answers {page.status_code}, and not with our page.", fix)
                return
            if site.settings.slack_mode == "http" and http.post(f"{url}/slack/events").status_code != 401:
                fix = "Let /slack/events through to the bot, and run it with SLACK_MODE=http."
                yield wrong(f"{url}/slack/events does not ask for Slack's signature.", fix)
                return
    except httpx.HTTPError as error:
        fix = "Is the bot running, and PUBLIC_URL led to it by DNS, ingress and certificate? If browsers do reach it, "
        fix += "only the way back from here is closed, which does no harm."
        yield _unreached(url, error, fix)
        return
    slack = " and lets Slack's requests through" if site.settings.slack_mode == "http" else ""
    yield ok(f"{url} shows our page{slack}.")


def _unreached(url: str, error: httpx.HTTPError, fix: str) -> Finding:
    """A cluster may let nobody out and in again: the connection is dropped then, and only then all may be well."""
    message = f"{url} can't be reached from here: {error or type(error).__name__}."
    return unsure(message, fix) if isinstance(error, httpx.TimeoutException) else wrong(message, fix)
