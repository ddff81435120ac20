"""Turns messages into the text that a model was trained on, and keeps what people wrote apart from the control tokens.

The template, a Jinja text out of the model's file, is rendered with a mark in the place of each content. What comes
out is cut at the marks: the parts between them are the template's, and only those may hold control tokens.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from rankkit.backends.protocols import Message
from rankkit.core.extras import require_extra
from rankkit.errors import BackendError, ConfigError, nearest
from rankkit.prompting.template import without_template

with require_extra("gguf", "a chat template"):
    import jinja2
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

_TURN = "{% for message in messages %}"
_ANSWER = "{% endfor %}{% if add_generation_prompt %}"

#: Templates by name, for a model file that carries none or the wrong one.
NAMED: dict[str, str] = {
    "chatml": _TURN + "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    + _ANSWER + "<|im_start|>assistant\n{% endif %}",
    "gemma": "{{ bos_token }}" + _TURN + "{% if message.role == 'system' %}{{ raise_exception('no system role') }}"
    "{% endif %}<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}\n"
    "{{ message.content | trim }}<end_of_turn>\n" + _ANSWER + "<start_of_turn>model\n{% endif %}",
    "llama-3": "{{ bos_token }}" + _TURN + "<|start_header_id|>{{ message.role }}<|end_header_id|>\n\n"
    "{{ message.content | trim }}<|eot_id|>" + _ANSWER + "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
    "mistral": "{{ bos_token }}" + _TURN + "{% if message.role == 'system' %}{{ raise_exception('no system role') }}"
    "{% elif message.role == 'user' %}[INST] {{ message.content }} [/INST]{% else %}{{ message.content }}"
    "{{ eos_token }}{% endif %}{% endfor %}",
    "zephyr": _TURN + "<|{{ message.role }}|>\n{{ message.content }}{{ eos_token }}\n"
    + _ANSWER + "<|assistant|>\n{% endif %}",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PromptSegment:
    """A stretch of a prompt. Control tokens are read in ``trusted`` parts only; elsewhere they are plain letters."""

    text: str
    trusted: bool


class ChatTemplate:
    """``template`` is a name of ``NAMED``, a Jinja text, or ``""`` for none.

    Without one, the model sees ``without_template`` of the messages. A template that refuses or drops the
    system role gets its words at the head of the first user message. A conversation that ends in an assistant message
    is to be continued: nothing is put after its content. Models that can think before they answer are told not to.
    """

    def __init__(self, template: str, *, bos: str = "", eos: str = "") -> None:
        if template and "{" not in template and template not in NAMED:
            raise ConfigError(f"there is no chat template {template!r}", hint=nearest(template, NAMED))
        self.source = NAMED.get(template, template)
        self._tokens = {"bos_token": bos, "eos_token": eos}
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        environment.globals["raise_exception"] = _refuse
        try:
            self._template = environment.from_string(self.source)
        except jinja2.TemplateError as error:
            raise ConfigError(
                f"the chat template is not valid: {error}", hint=f"Name another one: {', '.join(NAMED)}."
            ) from error

    def parts(self, messages: Sequence[Message]) -> list[PromptSegment]:
        """Raises:
        BackendError: the template refuses these messages.
        """
        if not self.source:
            return [PromptSegment(without_template(messages), trusted=False)]
        if all(message.role != "system" for message in messages):
            return self._cut(messages)
        try:
            return self._cut(messages)
        except BackendError:
            return self._cut(_without_system(messages))

    def _cut(self, messages: Sequence[Message]) -> list[PromptSegment]:
        text = self._render(messages)
        # Spaces around a mark tell whether the template trims what it is given.
        pieces = re.split("( ?)\ue000([0-9]+)\ue001( ?)", text)
        parts = [PromptSegment(pieces[0], trusted=True)]
        for before, index, after, between in zip(*(iter(pieces[1:]),) * 4, strict=True):
            content = messages[int(index)].content
            content = content if before else content.lstrip()
            parts += [
                PromptSegment(content if after else content.rstrip(), trusted=False),
                PromptSegment(between, trusted=True),
            ]
        seen = [int(index) for index in pieces[2::4]]
        if seen != list(range(len(messages))):
            raise BackendError(
                f"the model's chat template shows messages {seen} of {len(messages)}, where each belongs in once",
                hint=f"Give template= a name ({', '.join(NAMED)}) or a Jinja text of your own.",
            )
        return parts[:-1] if messages[-1].role == "assistant" else parts

    def _render(self, messages: Sequence[Message]) -> str:
        marked = [{"role": message.role, "content": f" \ue000{index}\ue001 "} for index, message in enumerate(messages)]
        try:
            return self._template.render(
                messages=marked,
                add_generation_prompt=messages[-1].role != "assistant",
                enable_thinking=False,
                **self._tokens,
            )
        except (jinja2.TemplateError, TypeError, ValueError, LookupError, AttributeError) as error:
            roles = ", ".join(message.role for message in messages)
            raise BackendError(
                f"the model's chat template refuses messages of the roles {roles}: {error}",
                hint=f"Give template= a name ({', '.join(NAMED)}) or a Jinja text of your own.",
            ) from error


def _refuse(reason: Any) -> NoReturn:
    raise jinja2.TemplateError(str(reason))


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system's words at the head of the first user message; a user message of their own where there is none."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    first = next((index for index, message in enumerate(rest) if message.role == "user"), None)
    if first is None:
        return [Message("user", system), *rest]
    rest[first] = Message("user", f"{system}\n\n{rest[first].content}")
    return rest
