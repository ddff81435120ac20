"""``rankkit rerank``: documents in, the same documents out in a better order."""

from __future__ import annotations

from typing import Annotated

from rankkit.cli.options import Explain, RerankerOptions
from rankkit.cli.output import (
    bill_line,
    end,
    explained,
    progress_bar,
    ranking_dict,
    ranking_table,
    remark,
    stderr,
    stdout,
    troubled,
    write_json,
)
from rankkit.cli.parameters import SPREAD, AsJson, argument, number, option
from rankkit.core.documents import OnEmpty
from rankkit.core.ranking import Request
from rankkit.data.documents import read_documents
from rankkit.data.records import Format


def rerank(
    query: Annotated[str, argument(help="What the documents are to be relevant to.", dash=True)],
    /,
    *files: Annotated[
        str,
        argument(
            help="A text a line; or JSON lines, a JSON array, CSV or TSV with id, text, title; compressed or not. "
            "- is stdin.",
            dash=True,
        ),
    ],
    options: Annotated[RerankerOptions, SPREAD] = RerankerOptions(),
    form: Annotated[
        Format | None,
        option("--format", help="What the files are. Default: what their names, or their first lines, say."),
    ] = None,
    on_empty: Annotated[
        OnEmpty, option("--on-empty", help="Documents without a text: an error, or left out and counted.")
    ] = "error",
    top_k: Annotated[int | None, number("--top-k", "-k", help="Only the best K.", minimum=0)] = None,
    threshold: Annotated[float | None, number("--threshold", help="Only scores of at least this.")] = None,
    keep_if: Annotated[
        float | None,
        number(
            "--keep-if", help="Only those relevant with at least this probability (docs/calibration.md).", minimum=0
        ),
    ] = None,
    instruction: Annotated[
        str, option("--instruction", help="What counts beside the query, for models that can be told so.")
    ] = "",
    explain: Explain = None,
    as_json: AsJson = False,
) -> None:
    """Rerank documents from files or standard input."""
    request = Request.of(query, read_documents(files, form), on_empty=on_empty, instruction=instruction)
    spec = options.spec()
    if spec.first_stage is not None:
        stderr().print("the config's first stage is not asked: the documents are given", style="yellow")
    reranker = spec.build()
    if keep_if is not None:
        # A filter that could not decide has no result.
        reranker = (reranker if spec.on_failure is not None else reranker.on_failure("raise")).keep_if(keep_if)
    with progress_bar("reranking") as progress:
        ranking = reranker.rank(request, top_k=top_k, threshold=threshold, progress=progress)
    explanation = explained(ranking, explain)
    if as_json:
        write_json(ranking_dict(ranking) | ({"explanation": explanation.to_dict()} if explanation else {}))
    else:
        stdout().print(ranking_table(ranking))
        if explanation:
            stdout().print(repr(explanation))
        remark(bill_line(ranking), style="dim")
    end(trouble=troubled(ranking))
