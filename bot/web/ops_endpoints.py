"""Ops endpoints: /healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from bot.observability.readiness import Readiness
from bot.web.http_server import bare_web


@dataclass(frozen=True)
class Ops:
    """Sources of the ops endpoints.

    `trouble` returns the reason why only a restart helps, or ''."""

    trouble: Callable[[], str]
    readiness: Readiness
    registry: CollectorRegistry


def build_ops(ops: Ops) -> Flask:
    """An app with only the ops endpoints."""
    web = bare_web()
    add_ops(web, ops)
    return web


def add_ops(web: Flask, ops: Ops) -> None:
    """Add the ops endpoints to `web`."""
    web.get("/healthz", endpoint="healthz")(lambda: _healthz(ops))
    web.get("/readyz", endpoint="readyz")(lambda: _readyz(ops))
    web.get("/metrics", endpoint="metrics")(
        lambda: Response(generate_latest(ops.registry), content_type=CONTENT_TYPE_LATEST)
    )


def _healthz(ops: Ops) -> tuple[Response, int]:
    trouble = ops.trouble()
    return jsonify(scheduler=trouble or "ok"), 503 if trouble else 200


def _readyz(ops: Ops) -> tuple[Response, int]:
    ready, report = ops.readiness.report()
    return jsonify(report), 200 if ready else 503
