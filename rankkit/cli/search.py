"""``rankkit search``: a corpus in, the documents for a query out; BM25 first, then any reranker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rankkit.cli.first_stage import Bm25Options, as_ranking, read_corpus
from rankkit.cli.options import AsJson, RerankerOptions, spread
from rankkit.cli.output import bill_line, progress_bar, ranking_dict, ranking_table, stderr, stdout, write_json
from rankkit.ranking import Query

if TYPE_CHECKING:
    from rankkit.retrieval.bm25 import Bm25Index, Bm25Settings


@spread
def search(
    query: Annotated[str, typer.Argument(help="What the documents are to be relevant to.")],
    bm25: Bm25Options,
    options: RerankerOptions,
    corpus: Annotated[
        Path | None,
        typer.Option(
            "--corpus", help="JSON lines with id, text, title; a BEIR folder; or a folder of .txt and .md files."
        ),
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option(
            "--index",
            help="Keep the index here; built again when the corpus changes. Without --corpus: search it as it is.",
        ),
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="Show the best K.", min=0)] = 10,
    as_json: AsJson = False,
) -> None:
    """Search a corpus with BM25 and, with --model or --config, rerank what it finds."""
    asked = Query(query)
    if options.given and not options.names_a_model:
        raise typer.BadParameter("these options are for a model: give --model or --config too")
    # Before the corpus is read: what is wrong with the model is told at once.
    reranker = options.spec().build() if options.names_a_model else None
    searched = _index(corpus, index, bm25.settings())
    request = searched.search(asked, bm25.depth)
    if reranker is None:
        ranking = as_ranking(request, searched)
    else:
        with progress_bar("reranking") as progress:
            ranking = reranker.rank(request, progress=progress)
    ranking = ranking.top(top_k)
    if as_json:
        found = {"name": repr(searched), "documents": len(searched), "found": len(request)}
        write_json({**ranking_dict(ranking), "first_stage": found})
        return
    stdout().print(ranking_table(ranking))
    stderr().print(f"{len(request)} found by {searched!r} · {bill_line(ranking)}", style="dim", highlight=False)
    if not request.candidates:
        stderr().print("No document shares a word with the query. Scripts without spaces: --tokenizer bigrams")


def _index(corpus: Path | None, folder: Path | None, settings: Bm25Settings | None) -> Bm25Index:
    from rankkit.retrieval.bm25 import Bm25Index

    if corpus is None:
        if folder is None:
            raise typer.BadParameter("give --corpus, or the --index that was built from one")
        if settings is not None:
            raise typer.BadParameter("--tokenizer and --stemmer are for building an index: give --corpus too")
        return Bm25Index.load(folder)
    documents = read_corpus(corpus)
    if folder is None:
        return Bm25Index.build(documents, settings)
    index, built = Bm25Index.kept(folder, documents, settings)
    if built:
        stderr().print(f"index of {len(index)} documents written to {folder}", style="dim", highlight=False)
    return index
