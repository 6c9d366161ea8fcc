"""The check of prose: the texts it reads in each kind of file, the words it refuses, and its exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.cache import CHECKOUT
from dev.prose import RULES, Rules, files, python_texts, reader_of

WORDS = """
words:
  tell(s|ing)?: report
  told: reported
  for want of: without
allowed:
  - [history.md, "*", it is history]
  - ["vendored/*", told, the name of a field]
"""
PYTHON = '''\
"""Tells the time.

It is told once, for want
of a clock.
"""

import teller  # tell


def told(tell: str) -> str:
    # This comment is long, and for want
    # of space it has two lines.
    return f"{tell.told} is {told(tell)!r}" + "told" + 'untold' + "told_at" + "re-told"
'''


def hits(path: str, source: str) -> list[tuple[int, str]]:
    reader = reader_of(Path(path))
    assert reader, path
    return [(hit.line, hit.word) for hit in Rules(WORDS).hits(path, reader(source))]


def test_python_comments_and_strings_are_read_but_not_code() -> None:
    assert hits("a.py", PYTHON) == [
        (1, "Tells"),
        (3, "told"),
        (3, "for want of"),
        (7, "tell"),
        (11, "for want of"),
        (13, "told"),
    ]


def test_comments_on_following_lines_are_one_text() -> None:
    texts = list(python_texts("a = 1  # one\nb = 2  # two\n\n# three\n"))
    assert [(text.line, text.text) for text in texts] == [(1, "one\ntwo"), (4, "three")]


@pytest.mark.parametrize(
    ("path", "source", "found"),
    [
        ("a.md", "# Title\n\nIt tells `x`.\n", [(3, "tells")]),
        ("bot/a.j2", "{# told #}\n{% macro tell() %}x{% endmacro %}", [(1, "told"), (2, "tell")]),
        ("a.yaml", "# told\ntell: a value\nb: it tells\n- told: x\n", [(1, "told"), (3, "tells")]),
        ("a.toml", 'told = "told"  # for want of a better\n', [(1, "for want of")]),
        ("Makefile", "help: ## Tell\n", [(1, "Tell")]),
        ("Dockerfile", "# told\n", [(1, "told")]),
        ("a.sh", "echo told\n", [(1, "told")]),
        ("a.tpl", "{{/* told */}}\n", [(1, "told")]),
        ("charts/x/templates/NOTES.txt", "told\n", [(1, "told")]),
    ],
)
def test_each_kind_of_file_is_read_in_its_own_way(path: str, source: str, found: list[tuple[int, str]]) -> None:
    assert hits(path, source) == found


@pytest.mark.parametrize("path", ["requirements.lock", "a.png", "go.sum", "a.json"])
def test_other_files_are_not_read(path: str) -> None:
    assert reader_of(Path(path)) is None


def test_hit_names_file_line_word_and_better_word() -> None:
    reader = reader_of(Path("a.md"))
    assert reader
    (hit,) = Rules(WORDS).hits("docs/a.md", reader("\nfor\nwant of\n"))
    assert str(hit) == "docs/a.md:2: “for want of” -> without"


def test_exception_allows_one_word_or_all_words_of_its_files() -> None:
    assert hits("history.md", "told and tells") == []
    assert hits("vendored/a.md", "told and tells") == [(1, "tells")]


@pytest.mark.parametrize("entry", ["[a.md, told]", '[a.md, told, ""]', '["", told, why]'])
def test_exception_needs_a_pattern_a_word_and_a_reason(entry: str) -> None:
    with pytest.raises(ValueError, match="An exception needs a file pattern, a word and a reason"):
        Rules(f"words: {{told: reported}}\nallowed: [{entry}]")


def test_files_of_the_repository_leave_out_hidden_and_built_ones() -> None:
    found = {str(path.relative_to(CHECKOUT)) for path in files(CHECKOUT)}
    assert {"README.md", "dev/prose.py", "charts/storewright/values.yaml", "Makefile"} <= found
    assert not [path for path in found if path.startswith((".venv", ".git/", "build/")) or "__pycache__" in path]


def test_refused_words_have_better_ones() -> None:
    rules = Rules(RULES.read_text())
    reader = reader_of(Path("a.md"))
    assert reader
    text = "It told whoever wishes for it, for want of a noun, beside the door."
    found = list(rules.hits("a.md", reader(text)))
    assert [hit.word for hit in found] == ["told", "whoever", "wishes", "for want of", "beside"]
    assert all(hit.better for hit in found)
