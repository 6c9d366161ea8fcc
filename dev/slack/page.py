"""The web page: bundled from web/ by npm and esbuild, kept in the cache by the hash of its sources, and served."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio.to_thread
from rich.console import Console
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

WEB = Path(__file__).parent / "web"
TOOLS = Path(__file__).parents[2] / "build" / "tools" / "bin"


class PageError(Exception):
    """The page could not be built; the message says why and what to do."""


def _inputs() -> list[Path]:
    sources = [WEB / "package.json", WEB / "package-lock.json", WEB / ".npmrc", *(WEB / "src").iterdir()]
    return sorted(path for path in sources if path.is_file())


def _cached() -> Path:
    digest = hashlib.sha256()
    for path in _inputs():
        digest.update(f"{path.relative_to(WEB)}\0".encode() + path.read_bytes() + b"\0")
    cache = os.environ.get("STOREWRIGHT_CACHE") or "~/.cache/storewright"
    return Path(cache).expanduser() / "slack-page" / digest.hexdigest()[:16]


def build() -> Path:
    """The folder with index.html, app.js and app.css; made on first use (about 10 s), at once afterwards.

    Raises PageError."""
    done = _cached()
    if done.is_dir():
        return done
    done.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=done.parent) as scratch:
        work = Path(scratch)
        shutil.copytree(WEB, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "dist"))
        console = Console(stderr=True)
        with console.status("Building the local Slack's page (about 10 s, once)…"):
            if not console.is_terminal:
                console.print("> Building the local Slack's page (about 10 s, once)")
            _run(work, "npm", "ci", "--ignore-scripts", "--no-progress")
            _run(work, "npm", "run", "--silent", "build")
        _place(work / "dist", done)
    return done


def _place(made: Path, done: Path) -> None:
    """Rename into place; somebody else may have been faster, with the same result."""
    try:
        made.rename(done)
    except OSError:
        if not done.is_dir():
            raise


def _run(folder: Path, *command: str) -> None:
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    program = shutil.which(command[0], path=path)
    if program is None:
        raise PageError("npm was not found; run `sh dev/setup.sh`, which brings a pinned Node.js")
    run = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        said = (run.stderr or run.stdout).strip()[-2000:]
        raise PageError(f"`{' '.join(command)}` failed while building the local Slack's page:\n{said}")


async def _file(name: str) -> Response:
    try:
        folder = await anyio.to_thread.run_sync(build)
    except PageError as problem:
        print(problem, file=sys.stderr)
        return Response(str(problem), 503, media_type="text/plain")
    return FileResponse(folder / name, headers={"Cache-Control": "no-cache"})


async def _index(_: Request) -> Response:
    return await _file("index.html")


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    return await _file(name) if name in ("app.js", "app.css") else Response(status_code=404)


def routes() -> list[Route]:
    """The page, also at the address of each message's permalink."""
    return [
        Route("/", _index),
        Route("/archives/{channel}", _index),
        Route("/archives/{channel}/{message}", _index),
        Route("/assets/{name}", _asset),
    ]
