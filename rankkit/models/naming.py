"""How people write a model's name, and which model they mean by it."""

from __future__ import annotations

import re

_HUB = re.compile(
    r"(https?://)?(www\.)?(huggingface\.co|hf\.co)/(models/)?|hf(-hub)?://(models/)?|huggingface/", re.IGNORECASE
)
_HUB_PAGE = re.compile(r"/(tree|blob|resolve)/.*")

#: Models that are asked for over a network and nowhere to be had as files: by their makers' prefixes.
_SERVED = re.compile(
    r"((openai|azure|anthropic|google|gemini|vertex_ai|bedrock|cohere|voyage|xai|mistral)/.+"
    r"|(chat)?gpt-[0-9].*|chatgpt-.*|o[1-9](-(mini|pro|preview).*)?|claude-.*|gemini-.*|grok-.*|command-[ar].*"
    r"|deepseek-(chat|reasoner)|mistral-(small|medium|large)-(latest|[0-9]{4})|sonar(-.*)?)",
    re.IGNORECASE,
)
_RERANK_SERVED = re.compile(
    r"(cohere/|voyage/)?(rerank-v[0-9].*|rerank-(english|multilingual)-.*|rerank-[0-9].*)", re.IGNORECASE
)


def without_hub(name: str) -> str:
    """``owner/name`` of what may be an address of the hub."""
    found = _HUB.match(name)
    return _HUB_PAGE.sub("", name[found.end() :].rstrip("/")) if found else name


def key(name: str) -> str:
    """What is left when case, hyphens, underscores, dots and spaces are not distinguished: ``L12`` is ``L-12``.

    The slash between owner and name stays, and so does a dot between digits: ``0.6b`` is not ``06b``.
    """
    return re.sub(r"(?<![0-9])\.|\.(?![0-9])|[-_\s]", "", without_hub(name.strip()).casefold())


def served_hint(name: str) -> str:
    """What to do with the name of a model behind an API; ``""`` for any other."""
    if _RERANK_SERVED.fullmatch(name):
        return (
            f"{name} is asked over a rerank API: say which with api= (--api cohere, jina, voyage, ...), and where your "
            "own server is with base_url= (--base-url URL). A language model's server is named with endpoint=."
        )
    if _SERVED.fullmatch(name):
        return (
            f"{name} is a model behind an API: name its server with endpoint= and the variable that holds the key with "
            "key_env= (--endpoint URL --key-env NAME), and the paradigm, pairwise or listwise."
        )
    return ""
