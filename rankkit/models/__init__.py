"""Models by name: a catalogue of rows, and a store of what was pulled, checked against known sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.models.export import Exported as Exported
    from rankkit.models.export import export_model as export_model
    from rankkit.models.manifest import Manifest as Manifest
    from rankkit.models.optimising import optimise as optimise
    from rankkit.models.row import Row as Row
    from rankkit.models.store import Pulled as Pulled
    from rankkit.models.store import installed as installed
    from rankkit.models.store import locate as locate
    from rankkit.models.store import pull as pull
    from rankkit.models.store import pulled as pulled
    from rankkit.models.store import remove as remove
    from rankkit.models.store import verify as verify
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Exported": "rankkit.models.export",
            "Manifest": "rankkit.models.manifest",
            "Pulled": "rankkit.models.store",
            "Row": "rankkit.models.row",
            "export_model": "rankkit.models.export",
            "installed": "rankkit.models.store",
            "locate": "rankkit.models.store",
            "optimise": "rankkit.models.optimising",
            "pull": "rankkit.models.store",
            "pulled": "rankkit.models.store",
            "remove": "rankkit.models.store",
            "verify": "rankkit.models.store",
        },
    )
