"""What is other in one run than in another: in the system, and in the order of each query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rankkit.comparison.kept import KeptRanking
from rankkit.comparison.runs import RunRow
from rankkit.comparison.store import RunStore
from rankkit.core.extras import require_extra

#: The part of a result that people look at.
TOP = 10
#: Keys of a file that name what the description has in full: equal ones may have been called otherwise.
_NAMED = ("model", "prompt")


@dataclass(frozen=True, slots=True)
class Change:
    """One value of the description (``path``: ``stages[1].reranker.judge.prompt.fingerprint``; ``spec.max_length`` for
    a key of the system's file), before and after; ``None`` where there was, or is, no such value. ``about`` names the
    model or prompt that it belongs to.
    """

    path: str
    before: object
    after: object
    about: str = ""

    def to_dict(self) -> dict[str, object]:
        return {"path": self.path, "before": self.before, "after": self.after, "about": self.about or None}


@dataclass(frozen=True, slots=True)
class DocumentMove:
    """A document's ranks, counted from 1; ``None`` where it was dropped, or was no candidate."""

    id: str
    before: int | None
    after: int | None

    def to_dict(self) -> dict[str, object]:
        return {"id": self.id, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class QueryMove:
    """How the order of a query changed. ``tau`` is Kendall's, over the documents that both rank: from 1 (as before) to
    -1 (reversed), ``None`` for fewer than two. ``documents`` are those whose rank changed, the farthest movers first.
    ``same_candidates``: whether both had the same ones in the same order.
    """

    query_id: str
    query: str
    tau: float | None
    documents: tuple[DocumentMove, ...]
    entered_top: tuple[str, ...]
    left_top: tuple[str, ...]
    same_candidates: bool = True

    def to_dict(self) -> dict[str, object]:
        return {
            "query_id": self.query_id,
            "query": self.query,
            "tau": self.tau,
            "documents": [document.to_dict() for document in self.documents],
            "entered_top": list(self.entered_top),
            "left_top": list(self.left_top),
            "same_candidates": self.same_candidates,
        }


@dataclass(frozen=True, slots=True)
class RunDiff:
    """``changed`` is empty for two runs of one system. ``moved`` has the queries whose order changed, those that
    changed most first; ``unmoved`` counts the others. ``only_before`` and ``only_after`` are queries without a kept
    ranking in the other run. ``top``: how many ranks ``entered_top`` and ``left_top`` are of.
    """

    before: RunRow
    after: RunRow
    changed: tuple[Change, ...] = ()
    moved: tuple[QueryMove, ...] = ()
    unmoved: int = 0
    only_before: tuple[str, ...] = ()
    only_after: tuple[str, ...] = ()
    top: int = field(default=TOP)

    def to_dict(self) -> dict[str, object]:
        """Plain Python for JSON."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "changed": [change.to_dict() for change in self.changed],
            "moved": [move.to_dict() for move in self.moved],
            "unmoved": self.unmoved,
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
            "top": self.top,
        }


def diff(store: RunStore, before: str, after: str) -> RunDiff:
    """Compare two runs, each named as for ``RunStore.run``.

    Raises:
        InputError: there is no such run.
        StoreError: the store cannot be read.
        MissingExtra: without the extra ``eval``.
    """
    first, second = store.run(before), store.run(after)
    described = store.description_of(first), store.description_of(second)
    changes = [
        Change(name, getattr(first, name), getattr(second, name))
        for name in ("data", "seed")
        if getattr(first, name) != getattr(second, name)
    ]
    if first.fingerprint != second.fingerprint:  # else names at most are others
        changes += _system_changes(*described)
    one, other = _by_query(store, first), _by_query(store, second)
    both = [key for key in one if key in other]
    moves = [_move(one[key], other[key]) for key in both]
    moved = [move for move in moves if move is not None]
    return RunDiff(
        first,
        second,
        tuple(changes),
        tuple(sorted(moved, key=lambda move: (1.0 if move.tau is None else move.tau, -len(move.entered_top)))),
        len(moves) - len(moved),
        tuple(one[key].query.id for key in one if key not in other),
        tuple(other[key].query.id for key in other if key not in one),
    )


def _system_changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    """What is other in the system. A key of its file is named before what follows from it: of a model's settings the
    description has only a fingerprint, and another ``on_failure`` makes it a part of another kind.
    """
    one, other = ({key: part[key] for key in part if key != "spec"} for part in (before, after))
    found = list(differences(one, other))
    specs = before.get("spec"), after.get("spec")
    said = list(differences(specs[0], specs[1], "spec")) if _alike(*specs) else []
    if said:
        found = [change for change in found if not _is_of_two_kinds(change)]
    known = {*_NAMED, *map(_last_key, found)}
    yield from (change for change in said if _last_key(change) not in known)
    yield from found


def _alike(before: object, after: object) -> bool:
    """Whether two files are of one form, so that their keys can be held against each other."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    lists = [[key for key in ("stages", "members") if key in part] for part in (before, after)]
    return lists[0] == lists[1] and before.get("paradigm") == after.get("paradigm")


def _is_of_two_kinds(change: Change) -> bool:
    kinds = [part.get("kind") for part in (change.before, change.after) if isinstance(part, dict)]
    return len(kinds) == 2 and kinds[0] != kinds[1]


def _last_key(change: Change) -> str:
    return change.path.rpartition(".")[2]


def differences(before: object, after: object, path: str = "", about: str = "") -> Iterator[Change]:
    """Each value that is not the same in two descriptions. Where a whole part came, went or is of another kind, that is
    one change: two cascades are compared stage by stage, a cascade and a single model are not.
    """
    if isinstance(before, dict) and isinstance(after, dict) and before.get("kind") == after.get("kind"):
        names = [str(part["name"]) for part in (before, after) if part.get("name")]
        about = " -> ".join(dict.fromkeys(names)) or about
        for key in dict.fromkeys((*before, *after)):
            yield from differences(before.get(key), after.get(key), f"{path}.{key}" if path else key, about)
    elif isinstance(before, list) and isinstance(after, list):
        for at in range(max(len(before), len(after))):
            one, other = (part[at] if at < len(part) else None for part in (before, after))
            yield from differences(one, other, f"{path}[{at}]", about)
    elif before != after:
        yield Change(path or "system", before, after, about)


def _by_query(store: RunStore, run: RunRow) -> Mapping[tuple[str, int], KeptRanking]:
    """The kept rankings by query and, where a query was ranked several times (shuffled, repeated), by which time."""
    times: Counter[str] = Counter()
    found = {}
    for result in store.rankings_of(run):
        name = result.query_id or (result.ranking.query.text if result.ranking else "")
        if result.ranking is not None:
            found[name, times[name]] = result.ranking
        times[name] += 1
    return found


def _move(before: KeptRanking, after: KeptRanking) -> QueryMove | None:
    """``None`` where the order is the same."""
    if before.ids == after.ids:
        return None
    ranks = {name: rank for rank, name in enumerate(before.ids, start=1)}
    new_ranks = {name: rank for rank, name in enumerate(after.ids, start=1)}
    everybody = dict.fromkeys((*before.ids, *after.ids))
    documents = [
        DocumentMove(name, ranks.get(name), new_ranks.get(name))
        for name in everybody
        if ranks.get(name) != new_ranks.get(name)
    ]
    last = len(everybody) + 1
    documents.sort(key=lambda move: -abs((move.before or last) - (move.after or last)))
    return QueryMove(
        before.query.id,
        before.query.text,
        _tau(ranks, new_ranks),
        tuple(documents),
        _not_in(after.ids[:TOP], before.ids[:TOP]),
        _not_in(before.ids[:TOP], after.ids[:TOP]),
        before.candidates == after.candidates,
    )


def _not_in(ids: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(name for name in ids if name not in known)


def _tau(before: Mapping[str, int], after: Mapping[str, int]) -> float | None:
    both = [name for name in before if name in after]
    if len(both) < 2:
        return None
    with require_extra("eval", "Kendall's tau"):
        from scipy.stats import kendalltau
    return float(kendalltau([before[name] for name in both], [after[name] for name in both]).statistic)
