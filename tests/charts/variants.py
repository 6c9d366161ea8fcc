"""One chart with many values, rendered by few processes: helm needs more time to start than to render.

A chart of its own has the chart as a dependency many times, by other names; each gets the values of one variant."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

AT_ONCE = 24  # variants of one process: those that are well are rendered again after another is refused
ALIAS = "-variant"


@dataclass(frozen=True)
class Rendered:
    """What `helm template` prints for a variant: the manifests, or why it refuses the values."""

    stdout: str
    stderr: str


@dataclass(frozen=True)
class Variants:
    """A chart, and what its variants have in common: the release and a file of values."""

    chart: Path
    release: str
    namespace: str
    values: Path | None = None

    def render(self, variants: Sequence[Sequence[str]]) -> list[Rendered]:
        """Each variant is a sequence of `--set-json` assignments."""
        return [one for start in range(0, len(variants), AT_ONCE) for one in self._some(variants[start:][:AT_ONCE])]

    def _some(self, variants: Sequence[Sequence[str]]) -> Iterator[Rendered]:
        left, done = set(range(len(variants))), dict[int, Rendered]()
        with tempfile.TemporaryDirectory() as folder:
            while left:
                ended = self._helm(Path(folder), {number: variants[number] for number in left})
                found = self._manifests(ended.stdout) if ended.returncode == 0 else self._refusals(ended.stderr)
                assert found.keys() & left, ended.stderr
                well = ended.returncode == 0
                done |= {n: Rendered(text, "") if well else Rendered("", text) for n, text in found.items()}
                left -= done.keys()
        return (done[number] for number in range(len(variants)))

    def _helm(self, folder: Path, variants: Mapping[int, Sequence[str]]) -> subprocess.CompletedProcess[str]:
        name = self.chart.name
        aliases = {number: f"{name}{ALIAS}{number}" for number in variants}
        dependencies = [{"name": name, "version": "*", "alias": alias} for alias in aliases.values()]
        chart = {"apiVersion": "v2", "name": "variants", "version": "1.0.0", "dependencies": dependencies}
        (folder / "charts").mkdir(exist_ok=True)
        if not (folder / "charts" / name).exists():
            (folder / "charts" / name).symlink_to(self.chart)
        (folder / "Chart.yaml").write_text(json.dumps(chart))
        values = yaml.safe_load(self.values.read_text()) if self.values else {}
        (folder / "values.yaml").write_text(json.dumps(dict.fromkeys(aliases.values(), values)))
        given = [f"--set-json={aliases[number]}.{one}" for number, settings in variants.items() for one in settings]
        command = ["helm", "template", self.release, str(folder), f"--namespace={self.namespace}", *given]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def _manifests(self, stdout: str) -> dict[int, str]:
        """The manifests of each variant, as if it was rendered alone."""
        found: dict[int, str] = {}
        source = re.compile(rf"# Source: variants/charts/{self.chart.name}{ALIAS}(\d+)/")
        for document in re.split(r"^---\n", stdout, flags=re.MULTILINE)[1:]:
            number = int(source.match(document)[1])  # type: ignore[index]
            alone = source.sub(f"# Source: {self.chart.name}/", document)
            alone = alone.replace(f"{self.chart.name}{ALIAS}{number}", self.chart.name)
            found[number] = f"{found.get(number, '')}---\n{alone}"
        return found

    def _refusals(self, stderr: str) -> dict[int, str]:
        """Why helm refuses variants. It names all that the schema refuses, and else one."""
        parts = re.split(rf"(?={self.chart.name}{ALIAS}\d+)", stderr[stderr.index("Error:") :])
        numbered = [(int(re.search(r"\d+", part)[0]), part) for part in parts[1:]]  # type: ignore[index]
        return {number: parts[0] + "".join(p for n, p in numbered if n == number) for number, _ in numbered}

    def unread(
        self, values: Mapping[tuple[str, ...], Sequence[Any]], contexts: Sequence[Sequence[str]]
    ) -> list[tuple[str, ...]]:
        """The paths whose values change the manifests in none of the contexts, whichever is set."""
        left = dict(values)
        for context in contexts:
            (plain,) = self.render([context])
            assert plain.stdout, plain.stderr
            for turn in range(max(map(len, values.values()))):
                tried = [path for path, candidates in left.items() if turn < len(candidates)]
                shown = self.render([(*context, assignment(path, left[path][turn])) for path in tried])
                for path, rendered in zip(tried, shown, strict=True):
                    if rendered.stdout and rendered.stdout != plain.stdout:
                        del left[path]
        return list(left)


def assignment(path: tuple[str, ...], value: Any) -> str:
    """The argument of `--set-json`."""
    name = ".".join(part.replace(".", r"\.") for part in path)
    return f"{name}={json.dumps(value)}"
