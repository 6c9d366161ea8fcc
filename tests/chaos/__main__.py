"""`make chaos`: kill the bot everywhere, take safeguards out, break what it needs, and send it garbage."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from dev import cluster as clusters
from dev.cluster import Cluster
from dev.stack import ROOT
from tests.chaos import faults, red_runs, reveal
from tests.chaos.campaign import Campaign
from tests.chaos.judge import Kind, Violation
from tests.chaos.report import Report
from tests.e2e.sample_type import load_image

RESULTS = ROOT / "build/chaos"
HOSTILE_TESTS = "tests/integration/test_hostile_input.py"
console = Console()


def main() -> None:
    options = _options()
    cluster = clusters.up("test")
    found = 0
    with tempfile.TemporaryDirectory(prefix="storewright-chaos-") as folder:
        load_image(cluster, Path(folder))
        for name in options.phases or PHASES:
            console.rule(name)
            result = PHASES[name](cluster, Path(folder) / name, options)
            _save(name, result)
            found += len(result["violations"])
    console.print(f"{found} violations. The results are in {RESULTS}.")
    sys.exit(1 if found else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("phases", nargs="*", metavar="PHASE", help=f"some of: {', '.join(PHASES)} (all)")
    add("--kills", type=int, default=200, help="random kills (200)")
    add("--cases", type=int, default=100_000, help="hostile requests of each target (100000)")
    add("--outage", type=float, default=60, help="seconds for which the API server is away (60)")
    add("--only", default="", help="the faults and red runs with this in their name")
    add("--arenas", type=int, default=2, help="bots that are killed at the same time (2)")
    add("--resume", action="store_true", help="leave out the kills that the last run has done")
    add("--seed", type=int, default=int(time.time()), help="of the random moments")
    return parser.parse_args()


def _results(phase: str) -> Path:
    return RESULTS / f"{phase}.json"


def _save(phase: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    new = _results(phase).with_suffix(".new")
    new.write_text(json.dumps(result, indent=2))
    new.replace(_results(phase))


def _say(line: str) -> None:
    console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False, highlight=False, soft_wrap=True)


def _attempt(scenario: Callable[[], list[Violation]]) -> list[Violation]:
    """The violations of a scenario. One that could not be finished is one: hours of other results must not be lost."""
    try:
        return scenario()
    except Exception as error:  # noqa: BLE001
        return [Violation(Kind.STUCK, f"The scenario could not be finished: {type(error).__name__}: {error}")]


def _kills(cluster: Cluster, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kills. Those of an interrupted run need not be repeated (`--resume`)."""

    def progress(line: str) -> None:
        _say(line)
        _save("kills", report.as_json())

    report = Report.load(json.loads(_results("kills").read_text())) if options.resume else Report()
    campaign = Campaign(cluster, folder, options.arenas, progress, options.seed, report)
    try:
        if not report.boundaries:
            campaign.census()
        progress(f"{len(report.boundaries)} boundaries; the seed of the random moments is {options.seed}")
        campaign.kill_at_boundaries()
        for cycle in reveal.cycles(cluster, folder / "reveal"):
            report.add(cycle)
        campaign.kill_at_random(options.kills)
    finally:
        console.print(report.table())
    return report.as_json()


def _red(cluster: Cluster, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Take out each safeguard; a run without it that the judge does not notice counts as a violation."""
    found, runs = [], {}
    for name in (name for name in red_runs.RED_RUNS if options.only in name):
        kept = _attempt(partial(red_runs.run, cluster, folder / f"{name}-kept", name, without=False))
        without = _attempt(partial(red_runs.run, cluster, folder / f"{name}-out", name, without=True))
        noticed = red_runs.is_noticed(name, without)
        _say(f"{name}: {'noticed' if noticed else 'NOT NOTICED'}")
        runs[name] = [asdict(violation) for violation in without]
        found += [asdict(violation) for violation in kept]
        if not noticed:
            found.append({"kind": "not noticed", "what": name, "step": ""})
    return {"violations": found, "without": runs}


def _faults(cluster: Cluster, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The faults, several at the same time; those of the whole cluster alone."""
    results: dict[str, list[dict[str, Any]]] = {}
    named = {name: run for name, run in faults.scenarios(options.outage).items() if options.only in name}

    def run(name: str) -> None:
        found = _attempt(lambda: named[name](cluster, folder / str(list(named).index(name))))
        results[name] = [asdict(violation) for violation in found]
        _say(f"{name}: {len(found)} violations {[violation.what for violation in found]}")

    with ThreadPoolExecutor(options.arenas * 2) as threads:
        list(threads.map(run, [name for name in named if name not in faults.ALONE]))
    for name in faults.ALONE:
        if name in named:
            run(name)
    return {"violations": [violation for found in results.values() for violation in found], "faults": results}


def _hostile(cluster: Cluster, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Hostile input, many cases of each target."""
    environment = {**os.environ, "HOSTILE_CASES": str(options.cases)}
    environment |= {"HOSTILE_SEED": str(options.seed)}
    # Without the plugin `logging`, which would keep every line of a test: 10 GB.
    command = [sys.executable, "-m", "pytest", "-n2", "--dist=load", "-v", "--timeout=36000", "-p", "no:logging"]
    failed = subprocess.run([*command, HOSTILE_TESTS], env=environment, cwd=ROOT, check=False).returncode
    found = [{"kind": "hostile input", "what": f"see the output of {HOSTILE_TESTS}", "step": ""}] if failed else []
    return {"violations": found, "cases of each target": options.cases}


Phase = Callable[[Cluster, Path, argparse.Namespace], dict[str, Any]]
PHASES: Mapping[str, Phase] = {"kills": _kills, "red": _red, "faults": _faults, "hostile": _hostile}


if __name__ == "__main__":
    main()
