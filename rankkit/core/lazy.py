"""Public names of a package that are imported when they are first used, so that importing it loads nothing heavy.

::

    if TYPE_CHECKING:
        from rankkit.pointwise.monot5 import MonoT5Judge as MonoT5Judge
    else:
        __getattr__, __dir__, __all__ = lazily(__name__, {"MonoT5Judge": "rankkit.pointwise.monot5"})

Type checkers and editors read the first half, Python the second; ``tests/test_public_names.py`` holds them equal.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping

from rankkit.errors import nearest


def lazily(
    package: str, homes: Mapping[str, str], *, also: tuple[str, ...] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of a package: each name of ``homes`` comes from the module it names.

    ``also`` are public names that the package has without help. A name that is not there is an ``AttributeError`` that
    shows the nearest ones; one whose module needs an extra that is not installed is ``MissingExtra``.
    """
    public = sorted([*homes, *also])

    def resolve(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}. {nearest(name, public)}")
        return getattr(importlib.import_module(homes[name]), name)

    return resolve, lambda: list(public), public
