"""The one guard for optional dependencies: a missing one is an error that names the extra, raised where the module is
needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rankkit.errors import MissingExtra

#: What pip calls rankkit. (The name ``rankkit`` on PyPI is somebody else's.)
DISTRIBUTION = "rankkit-rerank"


def install_line(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


@contextmanager
def require_extra(extra: str, purpose: str) -> Iterator[None]:
    """Wrap the imports of an extra's packages: ``with require_extra("eval", "measures"): import ir_measures``.

    Raises:
        MissingExtra: when a module inside is not installed. An import that fails for another reason is left as it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"{purpose} needs the package {error.name!r}, which is not installed",
            hint=f"Install it with: {install_line(extra)}",
        ) from error
