"""``rankkit prompts list | show | render | copy | import``: exactly what a model would see."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from rich.table import Table
from rich.text import Text

from rankkit.cli.demo import demo_request
from rankkit.cli.output import say, stderr, stdout, write_json
from rankkit.cli.parameters import AsJson, argument, branch, number, option
from rankkit.core.ranking import Request
from rankkit.data.documents import read_documents
from rankkit.errors import PromptError
from rankkit.prompting.files import read_prompt_file, write_prompt_file
from rankkit.prompting.loading import find_prompt, list_prompts, load_prompt
from rankkit.prompting.template import Message, PromptTemplate

if TYPE_CHECKING:
    from rankkit.backends.gguf.model import GgufModel
    from rankkit.planning.preview import Rendered

prompts_app = branch("prompts", "The words that are said to models.")

Name = Annotated[str, argument(help="A name of `rankkit prompts list`, or a .toml file.")]


@prompts_app.command(name="list")
def list_all(*, as_json: AsJson = False) -> None:
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


@prompts_app.command
def show(name: Name, /, *, as_json: AsJson = False) -> None:
    """Show a prompt with its placeholders."""
    prompt = load_prompt(name)
    if as_json:
        write_json(_facts(prompt))
        return
    parts = prompt.text or "\n\n".join(
        f"<{part.role}{', each passage' if part.each else ''}>\n{part.content}" for part in prompt.parts
    )
    say(f"{prompt.name}, version {prompt.version}, {prompt.fingerprint}\n{prompt.source}\n\n{parts}")


@prompts_app.command
def render(
    name: Name,
    query: Annotated[str | None, argument(help="The query. Default: the demo's.", dash=True)] = None,
    /,
    *files: Annotated[str, argument(help="Documents, as for rankkit rerank. Default: the demo's.", dash=True)],
    count: Annotated[int, number("--count", help="How many documents to show.", minimum=1)] = 4,
    model: Annotated[
        str | None,
        option("--model", "-m", help="A GGUF model on this machine: its tokens are counted, its template used."),
    ] = None,
    method: Annotated[
        str | None,
        option("--method", help="Who asks. Default: the method whose prompt it is, or else constrained."),
    ] = None,
    passage_tokens: Annotated[
        int, number("--passage-tokens", help="The most of each passage that is shown.", minimum=1)
    ] = 300,
    as_json: AsJson = False,
) -> None:
    """Show what a model would see for a query and some documents: passages cut and made harmless as in a ranking."""
    from rankkit.planning.preview import render_prompt

    request = Request.of(query, read_documents(files)) if query and files else demo_request()
    if query and not files:
        request = Request.of(query, request.candidates)
    template = load_prompt(name)
    opened = _open(model, template) if model is not None else None
    request = request.select(range(min(count, len(request))))
    rendered = render_prompt(template, request, method=method, model=opened, passage_tokens=passage_tokens)
    text = rendered.prompt if opened is None else opened.templated(rendered.prompt)
    stderr().print(_remarks(rendered, estimated=opened is None), style="dim")
    if as_json:
        shown = text if isinstance(text, str) else [{"role": m.role, "content": m.content} for m in text]
        facts = {field: getattr(rendered, field) for field in ("method", "tokens", "shortened", "begun", "compared")}
        write_json({"prompt": shown, **facts})
        return
    if isinstance(text, str):
        say(text + rendered.begun)
        return
    begun = [Message("assistant", rendered.begun)] if rendered.begun else []
    say("\n\n".join(f"<{m.role}>\n{m.content}" for m in (*text, *begun)))


def _open(model: str, template: PromptTemplate) -> GgufModel:
    from rankkit.backends.gguf.model import GgufModel
    from rankkit.models import store

    if template.text:
        raise PromptError(
            f"prompt {template.name!r} is a text that an ONNX model reads to the letter; no GGUF model does",
            hint="Leave --model out.",
        )
    return GgufModel(store.locate(model), name=model)


def _remarks(rendered: Rendered, *, estimated: bool) -> str:
    """What the prompt itself does not show."""
    if rendered.tokens is None:
        return "the model's own tokenizer cuts what is too long for it; here nothing is cut"
    count = f"{rendered.tokens} tokens" + (", at most: estimated as for an endpoint" if estimated else "")
    remarks = [f"{rendered.method}: {count}"]
    remarks += [f"passages shortened: {rendered.shortened}"] if rendered.shortened else []
    remarks += [f"the answer is begun with {rendered.begun!r}"] if rendered.begun else []
    remarks += [f"not written but compared: {', '.join(rendered.compared)}"] if rendered.compared else []
    remarks += ["--model NAME gives a GGUF model's own tokens and chat template"] if estimated else []
    return "; ".join(remarks)


@prompts_app.command
def copy(
    name: Annotated[str, argument(help="A name of `rankkit prompts list`.")],
    /,
    *,
    out: Annotated[
        Path | None, option("--out", "-o", help="The new file. Default: the prompt's name, in this folder.")
    ] = None,
) -> None:
    """Write a prompt that ships into a file of your own, for editing."""
    source, called = find_prompt(name)
    target = out or Path(f"{called.rpartition('/')[2]}.toml")
    if target.suffix != ".toml":
        raise PromptError(f"{target} does not end in .toml", hint="By that a prompt of your own is known.")
    write_prompt_file(target, read_prompt_file(source))
    stderr().print(
        f"edit it, look at it with: rankkit prompts show {target}; use it with --set prompt={target}",
        style="dim",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    say(str(target))


@prompts_app.command(name="import")
def import_prompt(
    file: Annotated[Path, argument(help="A RankLLM prompt template (.yaml).")],
    /,
    *,
    out: Annotated[
        Path | None, option("--out", "-o", help="Where to write the TOML. Default: beside the file.")
    ] = None,
    instruction: Annotated[
        str | None, option("--instruction", help="What stands in place of {instruction}, where the file has it.")
    ] = None,
) -> None:
    """Turn a RankLLM template into a prompt file of rankkit's."""
    from rankkit.integrations.rankllm_prompts import convert

    text, prompt = convert(file, instruction=instruction)
    target = out or file.with_suffix(".toml")
    write_prompt_file(target, text)
    stderr().print(
        f"a {prompt.question} prompt, fingerprint {prompt.fingerprint}; use it with --set prompt={target}", style="dim"
    )
    say(str(target))


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
