"""The pages of one-time links: one shows a store's credentials, one downloads a backup, one uploads an archive.

A GET shows a page that is the same for every link. It changes nothing and contains no token, as crawlers may send it.
A POST from that page uses the link up; an upload has a POST for each part."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

from flask import Flask, Request, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from bot.web.http_server import html_page, read_json
from provisioner import one_time_links
from provisioner.domain.backup import Backup
from provisioner.domain.catalog import Catalog
from provisioner.domain.errors import LinkRefused, Problem, Refused, StorewrightError, Transient
from provisioner.domain.store import Store
from provisioner.imports import PART_BYTES, NotYet, Part
from provisioner.ledger.ledger import Ledger
from provisioner.ledger.links import OneTimeLink, Purpose
from provisioner.log_context import bound_ids

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 4_096
DOWNLOADS = 4  # at once: each has a thread of the server
INCOMPLETE = Problem("Open this page with the link from Slack.")
UNREADABLE = {
    Purpose.REVEAL: Problem(
        "The credentials can't be read right now.",
        "The cluster does not answer correctly. Your link still works.",
        "Try again in a moment.",
    ),
    Purpose.DOWNLOAD: Problem(
        "The backup can't be read right now.",
        "The cluster or the backup server does not answer correctly. Your link still works.",
        "Open it again from Slack in a moment.",
    ),
    Purpose.UPLOAD: Problem(
        "The archive can't be taken right now.", "The cluster does not answer correctly. Nothing is lost."
    ),
}
BUSY = Problem(f"{DOWNLOADS} downloads are running.", "Your link still works.", "Open it again from Slack later.")
Prepare = Callable[[Store, OneTimeLink], Any]


@dataclass(frozen=True)
class PageDependencies:
    """Dependencies of the pages.

    `read_secret` returns a store's Secret as key -> value, `open_archive` a backup as parts of a tar archive; `receive`
    takes a part of an archive for a link, with details for the audit log, and returns the offset of the next part."""

    ledger: Ledger
    catalog: Catalog
    read_secret: Callable[[Store], dict[str, str]]
    open_archive: Callable[[Store, Backup], Iterator[bytes]]
    receive: Callable[[OneTimeLink, Part, str, str], int]
    public_origin: str


class CannotUse(Exception):
    """The link can't be used now: why, and the status of the answer."""

    def __init__(self, problem: Problem, status: int) -> None:
        super().__init__(problem)
        self.problem, self.status = problem, status


def add_pages(web: Flask, pages: PageDependencies) -> None:
    """Add the pages to the app."""
    downloads = threading.BoundedSemaphore(DOWNLOADS)
    web.get("/s/<link_id>", endpoint="credentials")(lambda link_id: html_page("credentials.html"))
    web.post("/s/<link_id>", endpoint="reveal")(lambda link_id: _reveal(pages, link_id))
    web.get("/s/<link_id>/backup", endpoint="backup")(lambda link_id: html_page("download.html"))
    web.post("/s/<link_id>/backup", endpoint="download")(lambda link_id: _download(pages, link_id, downloads))
    web.get("/s/<link_id>/archive", endpoint="archive")(lambda link_id: html_page("upload.html", part_bytes=PART_BYTES))
    web.post("/s/<link_id>/archive", endpoint="upload")(lambda link_id: _upload(pages, link_id))


# --- the credentials ---------------------------------------------------------------------------------------------


def _reveal(pages: PageDependencies, link_id: str) -> tuple[Response, int]:
    """Answer with the credentials, as JSON."""
    try:
        store, secret = _use(pages, link_id, Purpose.REVEAL, lambda store, _: pages.read_secret(store))
    except CannotUse as error:
        return _explained(error)
    log.info("credentials revealed", extra={"store": store.name})
    return _revealed(pages, store, secret), 200


def _revealed(pages: PageDependencies, store: Store, secret: dict[str, str]) -> Response:
    credentials = [
        {"label": key.replace("-", " ").capitalize(), "value": secret[key]}
        for key in pages.catalog.get(store.type).credentials
        if key in secret
    ]
    otherwise = f"/store reset {store.name}" if pages.catalog.get(store.type).reset else ""
    return jsonify(store=store.name, admin_url=store.admin_url, credentials=credentials, otherwise=otherwise)


# --- a backup ----------------------------------------------------------------------------------------------------


def _download(pages: PageDependencies, link_id: str, downloads: threading.BoundedSemaphore) -> tuple[Response, int]:
    """Answer with the archive, or with the page that says why not."""
    try:
        if not downloads.acquire(blocking=False):
            raise CannotUse(BUSY, 503)
        try:
            store, archive = _use(pages, link_id, Purpose.DOWNLOAD, lambda *found: _opened(pages, *found))
        except BaseException:
            downloads.release()
            raise
    except CannotUse as error:
        page = html_page("download.html", problem=error.problem)
        return _retryable(page, error), error.status
    log.info("download started", extra={"store": store.name})
    response = Response(archive, content_type="application/x-tar")
    response.call_on_close(downloads.release)
    response.headers["Content-Disposition"] = f'attachment; filename="{store.name}.tar"'
    return response, 200


def _opened(pages: PageDependencies, store: Store, link: OneTimeLink) -> Iterator[bytes]:
    """The archive, once its first part is there. Raises LinkRefused, and what `open_archive` raises."""
    backups = pages.ledger.store_backups.of_store(store.id)
    backup = next((backup for backup in backups if backup.id == link.backup_id), None)
    if not backup:
        others = f"Those that are left: /store backups {store.name}"
        raise LinkRefused("This backup was removed.", "Old backups are removed every day.", others)
    parts = pages.open_archive(store, backup)
    return _to_the_end(next(parts), parts)


def _to_the_end(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chain([first], rest)
    except Exception:
        log.exception("download broke")
        raise  # the server closes the connection, so that the browser reports an incomplete file
    finally:
        if hasattr(rest, "close"):
            rest.close()


# --- an archive ----------------------------------------------------------------------------------------------------


def _upload(pages: PageDependencies, link_id: str) -> tuple[Response, int]:
    """Take a part of the archive, and answer with the offset of the next one, as JSON."""
    request.max_content_length = PART_BYTES
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        if kind != "Bearer" or not _is_ownpage(pages, request):
            raise CannotUse(INCOMPLETE, 403)
        with _refusals(Purpose.UPLOAD):
            link = one_time_links.known(pages.ledger, link_id, token, Purpose.UPLOAD)
            offset = pages.receive(link, _part(request), bound_ids()["request"], _seen(link_id))
    except CannotUse as error:
        return _explained(error)
    return jsonify(offset=offset), 200


def _part(post: Request) -> Part:
    """The part in a request, whose headers are those of resumable uploads (tus.io). Raises Refused."""
    try:
        offset, length = (int(post.headers.get(name, "")) for name in ("Upload-Offset", "Upload-Length"))
    except ValueError:
        raise Refused("The upload has no offset or no length.", "", "Load the page again from Slack.") from None
    content = post.get_data()
    if not content or offset < 0 or offset + len(content) > length:
        raise Refused("The part is not one of the archive.", "The file changed meanwhile.", "Choose it again.")
    return Part(content, offset, length)


# --- all --------------------------------------------------------------------------------------------------------


def _use(pages: PageDependencies, link_id: str, purpose: Purpose, prepare: Prepare) -> tuple[Store, Any]:
    """Use the link up; an error leaves it valid. Raises CannotUse."""
    if not (token := _token(pages, request)):
        raise CannotUse(INCOMPLETE, 403)
    about = {"detail": _seen(link_id), "request_id": bound_ids()["request"]}
    with _refusals(purpose):
        return one_time_links.use(pages.ledger, link_id, token, purpose, prepare, **about)


def _seen(link_id: str) -> str:
    """For the audit log."""
    return f"link {link_id[:40]} from {request.remote_addr}"


@contextmanager
def _refusals(purpose: Purpose) -> Iterator[None]:
    """Raises CannotUse for each error of the block."""
    try:
        yield
    except LinkRefused as refusal:
        raise CannotUse(refusal.problem, 410) from refusal
    except Refused as refusal:
        raise CannotUse(refusal.problem, 409) from refusal
    except NotYet as wait:
        raise CannotUse(wait.problem, 503) from wait
    except HTTPException:
        raise
    except Transient as error:
        log.warning("one-time link not used: %s", error)
        raise CannotUse(UNREADABLE[purpose], 503) from error
    except StorewrightError as error:  # e.g. a deleted Secret: a retry would fail too
        log.error("one-time link not used: %s", error)
        raise CannotUse(error.problem, 500) from error
    except Exception as error:
        log.exception("one-time link not used")
        raise CannotUse(UNREADABLE[purpose], 503) from error


def _token(pages: PageDependencies, post: Request) -> str:
    """The token in a request from one of the pages, sent as JSON or as a form; '' for one from any other page."""
    post.max_content_length = MAX_BODY_BYTES
    if not _is_ownpage(pages, post):
        return ""
    if not post.is_json:
        return post.form.get("token", "")
    try:
        body = read_json(post.get_data(as_text=True))
    except ValueError:
        return ""
    token = body.get("token") if isinstance(body, dict) else None
    return token if isinstance(token, str) else ""


def _is_ownpage(pages: PageDependencies, post: Request) -> bool:
    """Whether a script or a form of one of the pages made the request."""
    from_it = post.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    return from_it and post.headers.get("Origin") == pages.public_origin


def _explained(error: CannotUse) -> tuple[Response, int]:
    """Why the link can't be used, as JSON."""
    found = error.problem
    return _retryable(jsonify(what=found.what, cause=found.cause, next_step=found.next_step), error), error.status


def _retryable(answer: Response, error: CannotUse) -> Response:
    if error.status == 503:
        answer.headers["Retry-After"] = "5"
    return answer
