"""The web page of the local Slack, bundled by esbuild."""

import shutil
import sys
from pathlib import Path

import anyio.to_thread
from rich.console import Console
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from dev.cache import cached
from dev.slack.npm import MANIFESTS, NpmError, node_modules, run

WEB = Path(__file__).parent / "web"


def build() -> Path:
    """The folder with index.html, app.js and app.css.

    Takes a few seconds the first time. Raises NpmError."""
    sources = [*(WEB / name for name in MANIFESTS), *(path for path in (WEB / "src").iterdir() if path.is_file())]
    return cached("slack-page", sources, _run_esbuild)


def _run_esbuild(folder: Path) -> None:
    console = Console(stderr=True)
    notice = "Building the local Slack's web page (about 5 s, once)"
    if not console.is_terminal:
        console.print(f"> {notice}")
    with console.status(f"{notice}…"):
        work = folder / "work"
        shutil.copytree(WEB, work, ignore=shutil.ignore_patterns("node_modules", "dist"))
        (work / "node_modules").symlink_to(node_modules(WEB))
        run(work, "npm", "run", "--silent", "build")
        for file in (work / "dist").iterdir():
            file.rename(folder / file.name)
        shutil.rmtree(work)


async def _file(name: str) -> Response:
    try:
        folder = await anyio.to_thread.run_sync(build)
    except NpmError as error:
        print(error, file=sys.stderr)
        return Response(str(error), 503, media_type="text/plain")
    return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})


async def _index(_: Request) -> Response:
    return await _file("index.html")


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    return await _file(name) if name in ("app.js", "app.css") else Response(status_code=404)


def routes() -> list[Route]:
    """The routes of the page, including the permalinks of messages."""
    return [
        Route("/", _index),
        Route("/archives/{channel}", _index),
        Route("/archives/{channel}/{message}", _index),
        Route("/assets/{name}", _asset),
    ]
