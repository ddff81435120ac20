"""The table of a comparison for a paper: LaTeX with booktabs."""

from __future__ import annotations

from rankkit.comparison.outputs.tables import BETTER, rows
from rankkit.comparison.result import ALL_DATA, ComparisonResult

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{char: f"\\{char}" for char in "&%$#_{}"},
}


def to_latex(comparison: ComparisonResult) -> str:
    """A ``table`` with the figures, their intervals below them, and seconds and calls; needs ``booktabs``."""
    measures = comparison.measures
    several = len(comparison.data) > 1
    columns = "l" + "c" * len(measures) + "rr"
    head = ["System", *map(_escaped, measures), "s/query", "calls"]
    lines = [
        r"% \usepackage{booktabs}",
        r"\begin{table}[t]",
        r"  \centering",
        f"  \\begin{{tabular}}{{{columns}}}",
        r"    \toprule",
        f"    {' & '.join(head)} \\\\",
    ]
    shown = rows(comparison)
    for data in comparison.all_data:
        lines.append(r"    \midrule")
        if several:
            lines.append(f"    \\multicolumn{{{len(head)}}}{{l}}{{\\emph{{{_escaped(data)}}}}} \\\\")
        for row in shown:
            if row.data != data:
                continue
            cells = []
            for cell in row.measures:
                figure = f"\\textbf{{{cell.figure}}}" if cell.best else cell.figure
                mark = "" if not cell.mark else r"$^{\uparrow}$" if cell.mark == BETTER else r"$^{\downarrow}$"
                spread = cell.interval.replace("–", "--")
                cells.append(f"{figure}{mark}" + (f" {{\\scriptsize [{spread}]}}" if spread else ""))
            costs = [_escaped(row.costs[1]).replace("–", "--"), _escaped(row.costs[3]).replace("–", "--")]
            lines.append(f"    {' & '.join([_escaped(row.system), *cells, *costs])} \\\\")
    queries = ", ".join(f"{one.name} ({one.queries} queries)" for one in comparison.data)
    queries += f"; {ALL_DATA}: the mean of their means" if several else ""
    lines += [
        r"    \bottomrule",
        r"  \end{tabular}",
        f"  \\caption{{{_escaped(queries)}. Means with 95\\,\\% bootstrap intervals. Arrows: different from "
        f"{_escaped(comparison.baseline)} (paired randomisation test, $p<0.05$ after Holm's correction).}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(char, char) for char in " ".join(text.split()))
