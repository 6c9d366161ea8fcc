"""Checks of settings, ledger, backups, helm, charts and public address."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from bot.cli.doctor.environment import PROBE, Environment, is_local
from bot.cli.doctor.findings import Finding, ok, unsure, wrong
from bot.former_settings import deprecation_warnings
from provisioner.domain.errors import StorewrightError
from provisioner.ledger.backup import find_damage, summarize
from provisioner.ledger.ledger import Ledger

MIN_FREE_BYTES = 64_000_000
TIMEOUT_SECONDS = 10.0


def settings(environment: Environment) -> Iterator[Finding]:
    """Valid settings that are rarely intended; invalid ones were reported before."""
    values = environment.settings
    public = urlsplit(values.public_url)
    if public.scheme == "http" and not is_local(public.hostname or ""):
        message = f"PUBLIC_URL is {values.public_url}: admin credentials would cross the network unencrypted."
        yield wrong(message, "Serve that address by https, then set PUBLIC_URL to the https address.")
    if values.store_scheme == "http" and not is_local(values.store_domain):
        message = f"STORE_SCHEME is http for {values.store_domain}: shoppers would send their passwords unencrypted."
        yield unsure(message, "Get a certificate for the stores (docs/operating.md), then set STORE_SCHEME=https.")
    for warning in deprecation_warnings():
        yield unsure(warning, "Rename the variable.")
    if not values.admins:
        yield unsure("ADMINS is empty: only store owners can manage their stores.", "To add admins: ADMINS=U…,U…")
    yield ok(f"All required settings are valid. Slack mode: {values.slack_mode}. Instance: {values.instance}.")


def ledger(environment: Environment) -> Iterator[Finding]:
    """The ledger is intact and writable, and its volume has free space."""
    path = environment.settings.ledger_path
    if not path.exists():
        fix = "The bot creates it at its first start. If the bot has already run, check LEDGER_PATH."
        yield unsure(f"There is no ledger at {path} yet.", fix)
        return
    if damage := find_damage(path):
        fix = "Restore a backup: run storewright ledger backups, then storewright ledger restore NAME"
        yield wrong(f"{path} is damaged: {damage[0]}.", fix)
        return
    shared = Ledger.shared(path)
    try:
        shared.require_writable()
    finally:
        shared.close()
    yield ok(f"{path} is intact and writable: {summarize(path).counts}.")
    yield from _free_space(environment)


def own_host(environment: Environment) -> Iterator[Finding]:
    """No store has the host of PUBLIC_URL. Orders refuse it, but PUBLIC_URL may be younger than a store."""
    stores = environment.recorded_stores() or []
    for store in [store for store in stores if store.host in environment.settings.own_hosts]:
        message = f"The store {store.name} and the bot (PUBLIC_URL) have the same host, {store.host}."
        fix = "Set PUBLIC_URL to a host that no store has: browsers reach only one of the two. "
        yield wrong(message, f"{fix}Or delete the store: storewright delete {store.name}")


def _free_space(environment: Environment) -> Iterator[Finding]:
    """A backup needs as much space as the ledger itself."""
    path = environment.settings.ledger_path
    free_bytes, size_bytes = shutil.disk_usage(path.parent).free, path.stat().st_size
    if free_bytes < max(MIN_FREE_BYTES, 3 * size_bytes):
        message = f"The volume of the ledger has {free_bytes / 1e6:.0f} MB left."
        yield wrong(message, "Free some space on it, or use a larger volume.")


def backups(environment: Environment) -> Iterator[Finding]:
    """There is a recent, intact backup."""
    backups = environment.settings.backups()
    newest = backups.newest()
    if not newest:
        fix = "The bot makes one within its first minutes. To make one now: storewright ledger backup"
        yield unsure(f"There is no backup in {backups.folder} yet.", fix)
        return
    age_seconds = time.time() - newest.made_at
    if backups.is_due() and age_seconds > 2 * backups.interval_seconds:
        message = f"The newest backup in {backups.folder} is {age_seconds / 3600:.0f} h old."
        yield wrong(message, "Search the bot's log for “chore failed”, then try: storewright ledger backup")
    elif damage := find_damage(newest.path):
        yield wrong(f"{newest.path.name} is damaged: {damage[0]}.", "Make a new one: storewright ledger backup")
    else:
        yield ok(f"{len(backups.all())} in {backups.folder}. The newest one is intact: {newest.path.name}.")


def helm(environment: Environment) -> Iterator[Finding]:
    """The program HELM is Helm 4."""
    version = environment.helm.version()
    if version.startswith("v4."):
        yield ok(f"{version}.")
    else:
        yield wrong(f"{version} is not Helm 4.", "Install Helm 4 where the bot runs, or set HELM to its path.")


def charts(environment: Environment) -> Iterator[Finding]:
    """The chart of each store type renders with the operator's values."""
    catalog = environment.catalog
    if isinstance(catalog, StorewrightError):
        raise catalog
    for name, rendered in environment.rendered.items():
        if isinstance(rendered, StorewrightError):
            fix = f"Fix STORE_VALUES or the chart. {rendered.problem.next_step}"
            yield wrong(f"{name} does not render: {rendered.problem.what}", fix)
        else:
            yield ok(f"{name} {catalog.get(name).version} renders with your values.")
    for unknown in set(environment.settings.store_values) - set(catalog.types):
        message = f"STORE_VALUES has values for “{unknown}”, which is not a store type."
        yield unsure(message, f"Store types: {', '.join(catalog.types)}.")


def public_address(environment: Environment) -> Iterator[Finding]:
    """PUBLIC_URL leads to the bot, at least from here."""
    url, slack_by_http = environment.settings.public_url.rstrip("/"), environment.settings.slack_mode == "http"
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as http:
            page = http.get(f"{url}/s/{PROBE}")
            if page.status_code != 200 or "Storewright" not in page.text:
                fix = "Forward PUBLIC_URL to the bot's LISTEN port: check the Ingress or proxy in front of it."
                yield wrong(f"{url} answers {page.status_code}, but not with Storewright's page.", fix)
                return
            if slack_by_http and http.post(f"{url}/slack/events").status_code != 401:
                fix = "Forward /slack/events to the bot, and run the bot with SLACK_MODE=http."
                yield wrong(f"{url}/slack/events does not check Slack's signature.", fix)
                return
    except httpx.HTTPError as error:
        yield _unreachable(url, error)
        return
    yield ok(f"{url} shows Storewright's page{' and accepts requests from Slack' if slack_by_http else ''}.")


def _unreachable(url: str, error: httpx.HTTPError) -> Finding:
    """A timeout is only unsure.

    Some clusters drop connections from a pod to their own public address."""
    message = f"{url} can't be reached from here: {error or type(error).__name__}."
    fix = "Check that the bot runs, and that DNS, ingress and certificate lead PUBLIC_URL to it. "
    fix += "If browsers reach it, ignore this finding: only connections from here are blocked."
    return unsure(message, fix) if isinstance(error, httpx.TimeoutException) else wrong(message, fix)
