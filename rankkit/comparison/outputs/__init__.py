"""Reports of a comparison, one file a format; each is made from the ``ComparisonResult`` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.comparison.outputs.folder import ReportFolder as ReportFolder
    from rankkit.comparison.outputs.folder import to_json as to_json
    from rankkit.comparison.outputs.html import to_html as to_html
    from rankkit.comparison.outputs.latex import to_latex as to_latex
    from rankkit.comparison.outputs.markdown import to_markdown as to_markdown
    from rankkit.comparison.outputs.tables import to_csv as to_csv
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "ReportFolder": "rankkit.comparison.outputs.folder",
            "to_csv": "rankkit.comparison.outputs.tables",
            "to_html": "rankkit.comparison.outputs.html",
            "to_json": "rankkit.comparison.outputs.folder",
            "to_latex": "rankkit.comparison.outputs.latex",
            "to_markdown": "rankkit.comparison.outputs.markdown",
        },
    )
