"""``rankkit prompts list | show | render | import``: exactly what a model would see."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from rankkit.cli import options
from rankkit.cli.demo import demo_request
from rankkit.cli.documents import read_documents
from rankkit.cli.output import stderr, stdout, write_json
from rankkit.errors import PromptError
from rankkit.prompt import Prompt, PromptTemplate, list_prompts, load_prompt, neutralise
from rankkit.ranking import Request

prompts_app = typer.Typer(name="prompts", help="The words that are said to models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A name of `rankkit prompts list`, or a .toml file.")]


@prompts_app.command("list")
def list_all(as_json: options.AsJson = False) -> None:
    """Show the prompts that ship with rankkit."""
    prompts = [load_prompt(name) for name in list_prompts()]
    if as_json:
        write_json([_facts(prompt) for prompt in prompts])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "question", "fingerprint", "what it is"):
        table.add_column(heading, no_wrap=heading != "what it is")
    for prompt in prompts:
        table.add_row(prompt.name, prompt.question, prompt.fingerprint, Text(prompt.description))
    stdout().print(table)


@prompts_app.command()
def show(name: Name, as_json: options.AsJson = False) -> None:
    """Show a prompt with its placeholders."""
    prompt = load_prompt(name)
    if as_json:
        write_json(_facts(prompt))
        return
    parts = prompt.text or "\n\n".join(
        f"<{part.role}{', each passage' if part.each else ''}>\n{part.content}" for part in prompt.parts
    )
    typer.echo(f"{prompt.name}, version {prompt.version}, {prompt.fingerprint}\n{prompt.source}\n\n{parts}")


@prompts_app.command()
def render(
    name: Name,
    query: Annotated[str | None, typer.Argument(help="The query. Default: the demo's.")] = None,
    files: Annotated[
        list[str] | None, typer.Argument(help="Documents, as for rankkit rerank. Default: the demo's.")
    ] = None,
    count: Annotated[int, typer.Option("--count", help="How many documents to show.", min=1)] = 4,
    as_json: options.AsJson = False,
) -> None:
    """Show what a model would see for a query and some documents."""
    request = Request.of(query, read_documents(files)) if query and files else demo_request()
    if query and not files:
        request = Request.of(query, request.candidates)
    prompt = _render(load_prompt(name), request, count)
    if as_json:
        write_json(prompt if isinstance(prompt, str) else [{"role": m.role, "content": m.content} for m in prompt])
        return
    typer.echo(prompt if isinstance(prompt, str) else "\n\n".join(f"<{m.role}>\n{m.content}" for m in prompt))


def _render(template: PromptTemplate, request: Request, count: int) -> Prompt:
    passages = [neutralise(candidate.content) for candidate in request.candidates[:count]]
    query = neutralise(request.query.text)
    match template.question:
        case "score":
            return template.render({"query": query, "passage": passages[0]})
        case "compare":
            if len(passages) < 2:
                raise PromptError("a comparison needs two documents")
            return template.render({"query": query, "first": passages[0], "second": passages[1]})
    return template.render({"query": query}, passages)


@prompts_app.command("import")
def import_prompt(
    file: Annotated[Path, typer.Argument(help="A RankLLM prompt template (.yaml).")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write the TOML. Default: beside the file.")
    ] = None,
) -> None:
    """Turn a RankLLM template into a prompt file of rankkit's."""
    from rankkit.integrations.rankllm_prompts import convert

    text, prompt = convert(file)
    target = out or file.with_suffix(".toml")
    if target.exists():
        raise PromptError(f"{target} is there already", hint="Name another file with --out.")
    target.write_text(text, encoding="utf-8")
    stderr().print(
        f"a {prompt.question} prompt, fingerprint {prompt.fingerprint}; use it with --set prompt={target}", style="dim"
    )
    typer.echo(str(target))


def _facts(prompt: PromptTemplate) -> dict[str, object]:
    return {
        "name": prompt.name,
        "question": prompt.question,
        "version": prompt.version,
        "fingerprint": prompt.fingerprint,
        "description": prompt.description,
        "source": prompt.source,
        "messages": [{"role": part.role, "content": part.content, "each": part.each} for part in prompt.parts],
        "text": prompt.text,
        "passage": prompt.passage,
        "labels": prompt.labels,
        "answer": dict(prompt.answer),
    }
