"""One word for one thing: names that were given up for the field's own terms do not come back."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("rankkit", "tests", "benchmarks", "scripts")

#: Each with the term that took its place. Upper case is that of a class, a type or a constant.
GIVEN_UP = {
    "Standing": "CascadeState",
    "standing": "CascadeState",
    "Job": "RequestState",
    "Part": "SubRequest, MessageTemplate or PromptSegment",
    "Attempt": "StageOutcome",
    "Bouts": "Comparisons",
    "bouts": "comparisons",
    "Course": "SortProgram",
    "course": "program",
    "courses": "programs",
    "Placed": "StrategyResult",
    "Asked": "BoundQuestion",
    "largest": "max_group_size",
    "neutralise": "sanitize",
    "Outline": "PlaceholderReranker",
    "sketch": "dry_build",
    "Wanted": "OrderConstraint",
    "Discovery": "CapabilityProbe",
    "stand_in": "fallback",
    "blind": "gates_without_scores",
    "bare": "is_plain",
    "easy": "skip_reason",
    "adopt": "apply_ranking",
    "tell": "record_steps or notify",
    "Tell": "OnPull",
    "money": "cost",
    "memoised": "cached_answers",
    "rounds": "sequential_rounds",
    "diagnosis": "diagnostics",
}
#: Other things that are called so: the rounds of a tournament, the position in an open file, what a command says.
OTHER_SENSE = {
    "rounds": ("strategies", "pairwise", "benchmarks", "config/built_in", "config/test_registry"),
    "tell": ("document_store",),
}


def names_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Names, attributes, parameters, keywords, classes, functions, imports, and keys of dictionaries."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        given = (getattr(node, field, None) for field in ("id", "attr", "arg", "name", "asname"))
        yield from ((line, name) for name in given if isinstance(name, str))
        keys = node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
        for key in keys:
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield line, key.value


def old_names_of(path: Path, tree: ast.AST) -> list[str]:
    sense = path.relative_to(ROOT).as_posix()
    return [
        f"{sense}:{line} {name}: say {GIVEN_UP[plain]}"
        for line, name in names_of(tree)
        if (plain := name.strip("_").rpartition(".")[2]) in GIVEN_UP
        and not any(place in sense for place in OTHER_SENSE.get(plain, ()))
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_identifier_and_no_key_has_a_name_that_was_given_up(folder):
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        if path != Path(__file__).resolve():
            found += old_names_of(path, ast.parse(path.read_text(encoding="utf-8")))
    assert found == []


def test_no_config_key_has_a_name_that_was_given_up():
    from rankkit.config import json_schema

    def keys(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from node.get("properties", {})
            for value in node.values():
                yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)

    found = set(keys(json_schema()))
    assert {"paradigm", "first_stage", "on_failure"} <= found
    assert found & GIVEN_UP.keys() <= {"rounds"}  # of a Swiss tournament
    assert "first" not in found


@pytest.mark.parametrize(
    "code",
    [
        "class Standing: ...",
        "x._money",
        "f(stand_in=1)",
        "def f(bare): ...",
        "import a.tell",
        "{'memoised': 1}",
        "x['diagnosis']",
    ],
)
def test_the_wall_would_notice(code):
    assert len(old_names_of(ROOT / "rankkit" / "x.py", ast.parse(code))) == 1
