"""A comparison that shows itself: in a terminal, in a notebook, as a data frame, as files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rankkit.comparison.outputs.markdown import to_markdown
from rankkit.comparison.outputs.tables import to_html_table, to_pandas
from rankkit.comparison.result import ComparisonResult

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(ComparisonResult):
    """What ``rankkit.compare`` gives. It prints as Markdown, and draws its table in a notebook."""

    def to_pandas(self) -> pd.DataFrame:
        """A row for each system, data set and measure.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return to_pandas(self)

    def table(self) -> RenderableType:
        """For ``rich.print``."""
        from rankkit.comparison.outputs.terminal import comparison_table

        return comparison_table(self)

    def __repr__(self) -> str:
        return to_markdown(self)

    def _repr_html_(self) -> str:
        return to_html_table(self)
