"""Builds the cluster's programs from Go modules.

The cache key is a hash of their sources and build flags."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from dev.cache import CACHE, CHECKOUT, TOOLS
from dev.cluster.layout import locked
from dev.cluster.process import ClusterError, console, run, tail

SOURCES = Path(__file__).parent
TRAEFIK = "github.com/traefik/traefik/v3/cmd/traefik"
PACKAGES = {"node": [".", "./pause"], "traefik": [TRAEFIK]}


def ensure() -> dict[str, Path]:
    """The cluster's programs by name.

    The first call builds them (10 minutes on 2 cores).
    Raises ClusterError, with the end of the compiler's output, if a build fails.
    """
    folders = {module: CACHE / f"cluster-{module}" / _digest(SOURCES / module) for module in PACKAGES}
    if not all(folder.exists() for folder in folders.values()):
        _build_missing(folders, CACHE / "go")
    return {path.name: path for folder in folders.values() for path in folder.iterdir()}


def _flags() -> list[str]:
    """Build flags: the Kubernetes version, which charts query, and no debug symbols."""
    version = re.search(r"k8s.io/kubernetes (v1\.(\d+)\.\S+)", (SOURCES / "node" / "go.mod").read_text())
    if not version:
        raise ClusterError(f"{SOURCES}/node/go.mod requires no k8s.io/kubernetes v1; restore it from git")
    values = {"gitVersion": version[1], "gitMajor": "1", "gitMinor": version[2]}
    definitions = [f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items()]
    return ["-gcflags=all=-dwarf=false", " ".join(["-ldflags=-s -w", *definitions])]


def _digest(module: Path) -> str:
    inputs = hashlib.sha256(repr([run(TOOLS / "bin/go", "version"), _flags()]).encode())
    for path in sorted([*module.rglob("*.go"), *module.glob("go.*")]):
        inputs.update(f"{path.relative_to(module)}\0".encode() + path.read_bytes())
    return inputs.hexdigest()[:16]


def _build_missing(folders: dict[str, Path], scratch: Path) -> None:
    scratch.mkdir(parents=True, exist_ok=True)
    with locked(scratch):
        for module, folder in folders.items():
            if not folder.exists():
                _build(module, folder, scratch)
        # These caches take gigabytes and only another build would use them. An interrupted build keeps them.
        run(TOOLS / "bin/go", "clean", "-cache", "-modcache", env=go_environment(scratch), timeout=300)


def go_environment(scratch: Path) -> dict[str, str]:
    """The environment for the pinned Go, with its caches in `scratch`."""
    go = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false -modcacherw", "CGO_ENABLED": "0"}
    return {**os.environ, **go, "GOCACHE": str(scratch / "build"), "GOMODCACHE": str(scratch / "mod")}


def _build(module: str, folder: Path, scratch: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    source, environment = SOURCES / module, go_environment(scratch)
    with console.status(f"Fetching the Go modules of {module} (about 1 minute the first time)"):
        packages = _list_packages(source, PACKAGES[module], environment)
    go = [str(TOOLS / "bin/go"), "-C", str(source)]
    command = [*go, "build", "-v", *_flags(), f"-o={unfinished}/", *PACKAGES[module]]
    log = CHECKOUT / "build" / "cluster" / f"build-{module}.log"
    _run_build(command, environment, log, f"Building {module}", len(packages.split()))
    unfinished.rename(folder)


def _list_packages(source: Path, packages: list[str], environment: dict[str, str]) -> str:
    """All packages that a build compiles, one per line; downloads their modules. Raises ClusterError."""
    try:
        return run(TOOLS / "bin/go", "-C", source, "list", "-deps", *packages, env=environment, timeout=900)
    except ClusterError as error:
        last = str(error).splitlines()[-1]
        raise ClusterError(
            f"could not fetch the Go modules of {source} ({last}); "
            "check that this machine can reach the proxy that `go env GOPROXY` shows"
        ) from error


def _run_build(command: list[str], environment: dict[str, str], log: Path, title: str, total: int) -> None:
    """Run `go build -v`; show how many of `total` packages are compiled.

    Raises ClusterError with the end of the log if the build fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("w") as record,
        _progress() as progress,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as build,
    ):
        task = progress.add_task(title, total=total)
        for done, line in enumerate(build.stderr or (), start=1):
            record.write(line)
            progress.update(task, completed=done)
            if not console.is_terminal and done % (total // 10) == 0:
                console.print(f"{title}: {done} of {total} packages")
    if build.returncode:
        raise ClusterError(f"{title} failed. The full log is {log}. It ends with:\n{tail(log)}")


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} packages,"),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    # Packages differ a hundredfold in size. A long averaging period keeps the estimate stable.
    return Progress(*columns, console=console, speed_estimate_period=180)
