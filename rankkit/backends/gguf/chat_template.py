"""Turns messages into the text that a model was trained on, and keeps what people wrote apart from the control tokens.

The template, a Jinja text out of the model's file, is rendered with a mark in the place of each content. What comes
out is cut at the marks: the parts between them are the template's, and only those may hold control tokens.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rankkit.backends.gguf.meter import account
from rankkit.backends.gguf.template_environment import TemplateEnvironment
from rankkit.backends.protocols import Message
from rankkit.errors import BackendError, ConfigError, nearest
from rankkit.prompting.template import without_template

#: What ``strftime_now`` tells a template, unless the caller names a day: the one that Llama 3's templates fall back to.
DEFAULT_DATE = "2024-07-26"

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
    is to be continued: nothing is put after its content. Models that can think before they answer are instructed not
    to.

    A template is somebody else's program: it runs in a sandbox that bounds its time and memory too. ``date`` (ISO 8601)
    is the day that it is given where it asks for one, never the real one, on which an answer would then depend.
    """

    def __init__(self, template: str, *, bos: str = "", eos: str = "", date: str = DEFAULT_DATE) -> None:
        """Raises:
        ConfigError: no such name, no date, or a template that cannot be read.
        """
        if template and "{" not in template and template not in NAMED:
            raise ConfigError(f"there is no chat template {template!r}", hint=nearest(template, NAMED))
        self.source = NAMED.get(template, template)
        self.date = date
        self._tokens = {"bos_token": bos, "eos_token": eos}
        try:
            environment = TemplateEnvironment(datetime.date.fromisoformat(date))
        except ValueError as error:
            raise ConfigError(f"date={date!r} is no day", hint=f"Write it as in {DEFAULT_DATE}.") from error
        try:
            self._template = environment.template(self.source)
        except Exception as error:
            raise ConfigError(
                f"the chat template is not valid: {_reason(error)}", hint=f"Name another one: {', '.join(NAMED)}."
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
            with account():
                return self._template.render(
                    messages=marked,
                    tools=None,
                    documents=None,
                    add_generation_prompt=messages[-1].role != "assistant",
                    enable_thinking=False,
                    **self._tokens,
                )
        except Exception as error:
            # Whatever a foreign program raises: it refuses, it is wrong, or it was stopped.
            roles = ", ".join(message.role for message in messages)
            raise BackendError(
                f"the model's chat template refuses messages of the roles {roles}: {_reason(error)}",
                hint=f"Give template= a name ({', '.join(NAMED)}) or a Jinja text of your own.",
            ) from error


def _reason(error: Exception) -> str:
    """The words of an error, without what could steer a terminal: they may be the template's."""
    words = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
    return "".join(filter(str.isprintable, words))[:500] or type(error).__name__


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The system's words at the head of the first user message; a user message of their own where there is none."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    first = next((index for index, message in enumerate(rest) if message.role == "user"), None)
    if first is None:
        return [Message("user", system), *rest]
    rest[first] = Message("user", f"{system}\n\n{rest[first].content}")
    return rest
