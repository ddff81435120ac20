"""``rankkit models list | show | pull | path | verify | optimise | remove | export``: data on stdout, else stderr."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from rankkit.cli.export import export
from rankkit.cli.output import progress_on, remark, say, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, branch, flag, option
from rankkit.errors import LicenceNotAccepted, ModelError, ModelNotPulled, RankkitError
from rankkit.models import store
from rankkit.models.catalogue import Row, Terms, find, rows
from rankkit.models.home import home, size
from rankkit.models.optimising import forget, optimised_forms
from rankkit.models.optimising import optimise as optimise_model
from rankkit.models.progress import OnPull, PullProgress
from rankkit.models.store import Pulled

models_app = branch(
    "models", "Models that rankkit knows by name: list them, bring them to this machine, check and remove them."
)
models_app.command(export)

Name = Annotated[str, argument(help="A name of `rankkit models list`.")]


@models_app.command(name="list")
def list_models(
    *,
    pulled: Annotated[bool, flag("--pulled", help="Only those on this machine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all models, their licences, and which of them are on this machine."""
    here = {there.name: there for there in store.pulled()}
    listed = [_brief(row, here.get(row.name)) for row in rows() if row.name in here or not pulled]
    if as_json:
        write_json(listed)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "kind", "licence", "size", "here"):
        table.add_column(heading, no_wrap=heading == "name")
    for row in listed:
        known = row["bytes"]
        cells = (
            str(row["name"]),
            str(row["kind"]),
            f"{row['licence']}{' (ask)' if row['terms'] else ''}",
            size(known) if isinstance(known, int) else "not pinned" if row["unpinned"] else "not seen",
            "yes" if row["path"] else "",
        )
        table.add_row(*map(Text, cells))  # a row's own words may look like markup
    stdout().print(table)


@models_app.command
def show(name: Name, /, *, as_json: AsJson = False) -> None:
    """Show one model: licence, sources, files, checksums, and where it lies."""
    row = find(name)
    there = store.installed(row)
    if as_json:
        files = [asdict(file) for file in row.files]
        forms = {"optimised": _forms(there)}
        write_json({**asdict(row), "file": files, "unpinned": list(row.unpinned), **_whereabouts(there), **forms})
        return
    facts = {
        "name": ", ".join((row.name, *row.aliases)),
        "title": row.title,
        "kind": row.kind,
        "methods": _methods(row.kind),
        "licence": row.licence,
        "terms": f"{row.terms.text} {row.terms.url}" if row.terms else "",
        "homepage": row.homepage,
        "languages": ", ".join(row.languages),
        "max_length": f"{row.max_length} tokens" if row.max_length else "",
        "notes": row.notes,
        "sources": "\n".join(source.described for source in row.source),
        "files": "\n".join(f"{file.name}  {file.sha256 or 'no checksum'}" for file in row.files),
        "unseen": row.unseen,
        "size": size(row.bytes) if row.bytes else "",
        "path": str(there.path) if there else f"not here; {row.pull_command}",
        "optimised": "\n".join(f"{graph}: {words}" for graph, words in _forms(there).items()),
    }
    table = Table(box=None, show_header=False, pad_edge=False)
    for key, fact in facts.items():
        if fact:
            table.add_row(key, Text(fact))
    stdout().print(table)


def _methods(kind: str) -> str:
    """How a model of this kind can be asked, by paradigm."""
    from rankkit.config.registry import methods

    asked = {
        paradigm: [method.name for method in methods(paradigm).values() if kind in method.kinds]
        for paradigm in ("pointwise", "pairwise", "listwise")
    }
    return "\n".join(f"{paradigm}: {', '.join(names)}" for paradigm, names in asked.items() if names)


@models_app.command
def pull(
    name: Name,
    /,
    *,
    accept_licence: Annotated[
        bool, flag("--accept-licence", help="You accept the terms of a model that has any.")
    ] = False,
    allow_unverified: Annotated[
        bool,
        flag(
            "--allow-unverified",
            help="Where the catalogue states no commit and no checksum: take what the source gives now, though an "
            "earlier pull found another file.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a model to this machine and print where it lies. One that is there already is left as it is."""
    began = time.monotonic()
    row = _about_to_come(name)
    if row is not None:
        remark(f"{row.name}: licence {row.licence}, {row.homepage}")
        # A person can be asked; a script must say it beforehand.
        if row.terms and not accept_licence and sys.stdin.isatty():
            _ask(row, row.terms)
            accept_licence = True
    with _bar() as show:
        path = store.pull(name, accept_licence=accept_licence, allow_unverified=allow_unverified, progress=show)
    if as_json:
        write_json({"name": name, "path": str(path), "seconds": round(time.monotonic() - began, 3)})
    else:
        say(path)


@models_app.command
def path(name: Name, /, *, as_json: AsJson = False) -> None:
    """Print where a model lies. Never uses the network."""
    where = store.locate(name)
    if as_json:
        write_json({"name": name, "path": str(where)})
    else:
        say(where)


@models_app.command
def verify(
    name: Annotated[str | None, argument(help="Without a name, all that are here.")] = None,
    /,
    *,
    as_json: AsJson = False,
) -> None:
    """Read a model's files again and compare their checksums with those of the catalogue."""
    names = [name] if name else [there.name for there in store.pulled()]
    results: list[dict[str, object]] = []
    failed: list[ModelError] = []
    for one in names:
        try:
            there = store.verify(one)
        except ModelError as error:
            failed.append(error)
            results.append({"name": one, "ok": False, "error": error.message})
        else:
            unseen = [file.name for file in there.manifest.files if file.unseen]
            results.append({"name": there.name, "ok": True, "path": str(there.path), "unseen": unseen})
    if as_json:
        write_json(results)
    else:
        for result in results:
            note = (
                " (some files: against what was pulled, the catalogue has no checksum)" if result.get("unseen") else ""
            )
            say(f"{'ok' if result['ok'] else 'BAD':<4}{result['name']}{note}")
    if failed:
        raise failed[0]


@models_app.command
def optimise(
    model: Annotated[str, argument(help="A name of `rankkit models list`, a folder, or an .onnx file.")],
    /,
    *,
    graph: Annotated[str | None, option("--graph", help="Which of a folder's graphs.")] = None,
    undo: Annotated[bool, flag("--undo", help="Delete what was made, and run the model's own graph again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a form of a cross-encoder's graph that computes less for the same scores, and keep it beside the model."""
    if undo:
        freed = forget(model, graph=graph)
        if as_json:
            write_json({"name": model, "freed_bytes": freed})
        else:
            remark(f"{model}: its own graph is run again; {size(freed)} free")
        return
    made = optimise_model(model, graph=graph)
    if as_json:
        write_json([{**json.loads(one.dump()), "path": str(one.graph) if one.graph else None} for one in made])
        return
    for one in made:
        say(f"{one.source}: {one.words}")


@models_app.command
def remove(name: Name, /, *, as_json: AsJson = False) -> None:
    """Delete a model from this machine's cache."""
    freed = store.remove(name)
    if as_json:
        write_json({"name": name, "freed_bytes": freed})
    else:
        remark(f"removed {name}: {size(freed)} free again")


def _forms(there: Pulled | None) -> dict[str, str]:
    """What was made of each of a model's graphs, in words."""
    if there is None or there.path.is_file():
        return {}
    try:
        forms = optimised_forms(there.path)
    except RankkitError as error:
        return {"unknown": error.message}
    return {
        graph: form.words if form else f"not made yet: rankkit models optimise {there.name}"
        for graph, form in forms.items()
    }


def _brief(row: Row, there: Pulled | None) -> dict[str, object]:
    return {
        "name": row.name,
        "title": row.title,
        "kind": row.kind,
        "methods": _methods(row.kind),
        "licence": row.licence,
        "terms": row.terms.url if row.terms else None,
        "bytes": row.bytes,
        "languages": list(row.languages),
        "unpinned": list(row.unpinned),
        **_whereabouts(there),
    }


def _whereabouts(there: Pulled | None) -> dict[str, object]:
    return {
        "path": str(there.path) if there else None,
        "source_used": there.manifest.source if there else None,
        "pulled_at": there.manifest.pulled_at if there else None,
    }


def _about_to_come(name: str) -> Row | None:
    """The row of a model that is not here yet; ``None`` for one that is, or a local path."""
    try:
        store.locate(name)
    except ModelNotPulled:
        return find(name)
    return None


def _ask(row: Row, terms: Terms) -> None:
    """Ask a person at a terminal to accept a model's terms; anything but yes ends the command."""
    remark(f"{terms.text}\n{terms.url}")
    stderr().print("Do you accept these terms? [y/N] ", end="")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise LicenceNotAccepted(f"the terms of {row.name} were not accepted, so it was not pulled")


@contextmanager
def _bar() -> Iterator[OnPull]:
    """A progress bar on stderr where that is a terminal; else a line for each change of phase."""
    console = stderr()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    tasks: dict[str, TaskID] = {}
    said: set[tuple[str, str]] = set()
    with progress_on(console, *columns) as drawn:

        def show(now: PullProgress) -> None:
            if now.source not in tasks and now.phase == "downloading":
                tasks[now.source] = drawn.add_task(now.model, total=now.total)
            if now.phase in ("downloading", "unpacking"):
                drawn.update(tasks[now.source], completed=now.done, total=now.total)
            if now.phase != "downloading" or not console.is_terminal:
                _say(console, now, said)

        yield show


def _say(console: Console, now: PullProgress, said: set[tuple[str, str]]) -> None:
    if (now.phase, now.source) in said:
        return
    said.add((now.phase, now.source))
    words = {
        "waiting": f"{now.model}: waiting, {now.note}",
        "downloading": f"{now.model}: downloading from {now.source}",
        "unpacking": f"{now.model}: checking and unpacking",
        "failed": f"{now.model}: {now.source} did not work out: {now.note}",
        "done": f"{now.model}: ready in {home() / 'models' / now.model}",
    }
    console.print(words[now.phase], soft_wrap=True)
