"""`python -m dev.prose` (part of `make lint`): refuses the words of prose.yaml in comments, strings and docs.

It prints a line for each hit, `file:line: “word” -> better word`, and exits with status 1."""

from __future__ import annotations

import io
import os
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import yaml

from dev.cache import CHECKOUT

RULES = Path(__file__).with_suffix(".yaml")
SKIPPED_FOLDERS = {"build", "dist", "node_modules", "__pycache__"}
WHOLE_TEXT = {".html", ".j2", ".md", ".sh", ".tpl", ".txt", ".gotmpl"}
WHOLE_TEXT_NAMES = {"Dockerfile", "Makefile"}
YAML_KEY = re.compile(r"^(\s*(?:- )?)[\w./-]+:(?=\s|$)", re.MULTILINE)
EXPRESSION = re.compile(r"\{[^{}]*\}")  # in an f-string


@dataclass(frozen=True)
class Text:
    """Text for people, and the number of its first line in the file."""

    line: int
    text: str


@dataclass(frozen=True)
class Allowed:
    """A file pattern and a word (or "*") that is allowed there."""

    pattern: str
    word: str

    def allows(self, path: str, word: str) -> bool:
        return fnmatch(path, self.pattern) and self.word in ("*", word)


@dataclass(frozen=True)
class Hit:
    """A refused word in a file."""

    path: str
    line: int
    word: str
    better: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: “{self.word}” -> {self.better}"


class Rules:
    """The refused words with better ones, and the exceptions."""

    def __init__(self, text: str) -> None:
        """Raises ValueError for an exception without a reason."""
        read = yaml.safe_load(text)
        self._better: list[str] = list(read["words"].values())
        spaced = (key.replace(" ", r"\s+") for key in read["words"])
        groups = (f"(?P<w{number}>{key})" for number, key in enumerate(spaced))
        self._words = re.compile(rf"(?<![\w-])(?:{'|'.join(groups)})(?![\w-])", re.IGNORECASE)
        for entry in read["allowed"]:
            if len(entry) != 3 or not all(entry):
                raise ValueError(f"An exception needs a file pattern, a word and a reason: {entry}")
        self._allowed = [Allowed(pattern, word) for pattern, word, _ in read["allowed"]]

    def hits(self, path: str, texts: Iterator[Text]) -> list[Hit]:
        """The refused words in a file's texts, by line."""
        return sorted(self._find(path, texts), key=lambda hit: hit.line)

    def _find(self, path: str, texts: Iterator[Text]) -> Iterator[Hit]:
        for text in texts:
            for match in self._words.finditer(text.text):
                word = " ".join(match.group().split())
                if not any(allowed.allows(path, word) for allowed in self._allowed):
                    line = text.line + text.text.count("\n", 0, match.start())
                    yield Hit(path, line, word, self._better[int((match.lastgroup or "w0")[1:])])


# --- the texts of a file -----------------------------------------------------------------------------------------


def python_texts(source: str) -> Iterator[Text]:
    """Comments (lines that follow each other are one text) and strings."""
    comment: list[str] = []
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if comment and token.start[0] != start + len(comment):
                yield Text(start, "\n".join(comment))
                comment = []
            start = start if comment else token.start[0]
            comment.append(token.string.lstrip("# "))
        elif token.type == tokenize.STRING:
            is_formatted = "f" in token.string.partition(token.string[-1])[0].lower()
            yield Text(token.start[0], EXPRESSION.sub("{}", token.string) if is_formatted else token.string)
    if comment:
        yield Text(start, "\n".join(comment))


def yaml_texts(source: str) -> Iterator[Text]:
    """Everything but the keys."""
    yield Text(1, YAML_KEY.sub(r"\1", source))


def hash_comments(source: str) -> Iterator[Text]:
    """Comments of a file in which they start with #."""
    for number, line in enumerate(source.splitlines(), 1):
        _, mark, comment = line.partition("#")
        if mark:
            yield Text(number, comment)


def whole_text(source: str) -> Iterator[Text]:
    """Everything."""
    yield Text(1, source)


def reader_of(path: Path) -> Callable[[str], Iterator[Text]] | None:
    """How to read the texts of a file; None if it has none for us."""
    if path.suffix in WHOLE_TEXT or path.name in WHOLE_TEXT_NAMES:
        return whole_text
    readers = {".py": python_texts, ".yaml": yaml_texts, ".yml": yaml_texts, ".toml": hash_comments}
    return readers.get(path.suffix)


# --- the repository ----------------------------------------------------------------------------------------------


def files(root: Path) -> Iterator[Path]:
    """The files of the repository, without hidden folders, build results and what links lead to."""
    for folder, below, names in os.walk(root):
        below[:] = sorted(
            name
            for name in below
            if name not in SKIPPED_FOLDERS and not name.startswith(".") and not Path(folder, name).is_symlink()
        )
        yield from (Path(folder, name) for name in sorted(names))


def check(root: Path, rules: Rules) -> Iterator[Hit]:
    """The refused words under `root`."""
    for path in files(root):
        if reader := reader_of(path):
            yield from rules.hits(str(path.relative_to(root)), reader(path.read_text()))


def main() -> int:
    """Print the hits; the exit status."""
    hits = list(check(CHECKOUT, Rules(RULES.read_text())))
    for hit in hits:
        print(hit)
    if hits:
        print(f"{len(hits)} words to replace. dev/prose.yaml has the list, and takes exceptions with a reason.")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
