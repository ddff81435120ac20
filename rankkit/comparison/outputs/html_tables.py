"""The tables of an HTML report: plain HTML, whole without a script. Everything that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from rankkit.comparison.outputs.html_cells import (
    NOTHING,
    cell,
    header_row,
    minus,
    number,
    scrolling,
    seconds_figure,
    system_name,
)
from rankkit.comparison.outputs.html_data import View, has_seconds, views_of
from rankkit.comparison.outputs.tables import TOGETHER
from rankkit.comparison.result import ComparisonResult, Conduct, Cost, PairResult, SystemFigures, SystemResult
from rankkit.comparison.statistics import Interval

#: The order in which outcomes are shown; others follow.
_OUTCOMES = ("ok", "repaired", "refused", "truncated", "unreadable", "failed")


def results_tables(comparison: ComparisonResult) -> str:
    """Systems by measures, a table for each view."""
    return _for_each_view(comparison, _results)


def differences_table(comparison: ComparisonResult) -> str:
    """Every pair that was tested, by each measure on each data set, and on all of several."""
    pairs = comparison.comparisons
    if not pairs:
        return "<p>Nothing was compared with the baseline.</p>"
    several = len(comparison.data) > 1
    head = header_row(
        ["System", *(["Data set"] if several else []), "Measure"],
        ["Difference", "95 % interval", "p", "p (Holm)", "Wins / ties / losses", "Effect size", "Queries needed"],
    )
    rows = "".join(_difference_row(comparison, pair, _widest(pairs, pair.measure)) for pair in pairs)
    table = scrolling("Differences", f'<table class="differences">{head}<tbody>{rows}</tbody></table>')
    return table + (f'<p class="hint">{escape(TOGETHER)}</p>' if several else "")


def cost_tables(comparison: ComparisonResult) -> str:
    """What each system's rankings cost in all."""
    return _for_each_view(comparison, _costs)


def conduct_tables(comparison: ComparisonResult) -> str:
    """How many answers there were of each kind."""
    return _for_each_view(comparison, _conduct)


def _results(comparison: ComparisonResult, view: View) -> str:
    columns = [_MeasureColumn(comparison, view, measure) for measure in comparison.measures]
    priced = any((cost := view.cost(one)) and cost.usage.cost is not None for one in comparison.systems)
    head = header_row(
        ["System"],
        [*comparison.measures, "Judged@10", "Seconds p50", "Seconds p95", "Calls", "Tokens", *["Cost"] * priced],
    )
    rows = ""
    for system in comparison.systems:
        cost = view.cost(system)
        cells = [column.of(system) for column in columns]
        cells.append(cell(_judged(system, view)))
        cells += (
            [
                cell(_time(system, cost.seconds_p50)),
                cell(_time(system, cost.seconds_p95)),
                cell(number(cost.usage.calls)),
                cell(number(cost.usage.tokens or None)),
                *[cell(number(cost.usage.cost, 4))] * priced,
            ]
            if cost
            else [cell(NOTHING)] * (4 + priced)
        )
        rows += f"<tr>{_system_head(comparison, system)}{''.join(cells)}</tr>"
    return scrolling(f"Results, {view.name}", f'<table class="results">{head}<tbody>{rows}</tbody></table>')


class _MeasureColumn:
    """The cells of one measure: mean, interval and difference to the baseline, all bars on one scale."""

    def __init__(self, comparison: ComparisonResult, view: View, measure: str) -> None:
        self._comparison, self._view, self._measure = comparison, view, measure
        self._intervals = {
            system.name: found
            for system in comparison.systems
            if (found := view.measures(system).get(measure)) is not None
        }
        bounds = [
            figure for one in self._intervals.values() for figure in (one.mean, one.low, one.high) if figure is not None
        ]
        low, high = min(bounds, default=0.0), max(bounds, default=1.0)
        room = (high - low) * 0.05 or 0.05
        self._low, self._span = low - room, high - low + 2 * room
        means = {one.mean for one in self._intervals.values()}
        self._best = max(means) if len(means) > 1 else None

    def of(self, system: SystemResult) -> str:
        one = self._intervals.get(system.name)
        if one is None:
            return cell(NOTHING)
        interval = "" if one.low is None or one.high is None else f"{one.low:.3f} – {one.high:.3f}"
        parts = (
            f'<span class="mean">{one.mean:.4f}</span>{self._bar(one)}<small>{interval}</small>{self._change(system)}'
        )
        return cell(parts, "best" if one.mean == self._best else "")

    def _bar(self, one: Interval) -> str:
        low, high = one.mean if one.low is None else one.low, one.mean if one.high is None else one.high
        left, right, middle = self._place(low), self._place(high), self._place(one.mean)
        baseline = self._intervals.get(self._comparison.baseline)
        line = f'<i class="zero" style="left:{self._place(baseline.mean):.1f}%"></i>' if baseline else ""
        return (
            f'<span class="bar" aria-hidden="true">{line}<i class="range" style="left:{left:.1f}%;width:'
            f'{right - left:.1f}%"></i><i class="dot" style="left:{middle:.1f}%"></i></span>'
        )

    def _place(self, figure: float) -> float:
        return (figure - self._low) / self._span * 100

    def _change(self, system: SystemResult) -> str:
        if system.name == self._comparison.baseline:
            return ""
        pair = self._comparison.against(system.name, self._measure, self._view.compared)
        return f"<small>{_signed(pair)}</small>" if pair else ""


def _difference_row(comparison: ComparisonResult, pair: PairResult, widest: float) -> str:
    one = pair.figures
    against = "" if pair.baseline == comparison.baseline else f"<small>against {escape(pair.baseline)}</small>"
    interval = NOTHING
    if one.low is not None and one.high is not None:
        left, right = (50 + bound / widest * 48 for bound in (one.low, one.high))
        interval = (
            f'{minus(f"{one.low:+.3f}")} – {minus(f"{one.high:+.3f}")}<span class="bar" aria-hidden="true">'
            f'<i class="zero" style="left:50%"></i><i class="range" style="left:{left:.1f}%;width:{right - left:.1f}%">'
            f'</i><i class="dot" style="left:{50 + one.difference / widest * 48:.1f}%"></i></span>'
        )
    data = f"<td>{escape(pair.data)}</td>" if len(comparison.data) > 1 else ""
    cells = [
        cell(_signed(pair)),
        cell(interval),
        cell(_probability(one.p)),
        cell(_probability(pair.p_holm)),
        cell(_wins(one.wins, one.ties, one.losses)),
        cell(NOTHING if one.effect_size is None else minus(f"{one.effect_size:.2f}")),
        cell(number(one.queries_needed)),
    ]
    place = f'data-measure="{escape(pair.measure)}" data-set="{escape(pair.data)}"'
    name = f'<th scope="row">{system_name(comparison, pair.system)}{against}</th>'
    return f"<tr {place}>{name}{data}<td>{escape(pair.measure)}</td>{''.join(cells)}</tr>"


def _widest(pairs: Sequence[PairResult], measure: str) -> float:
    """The farthest from 0 that any bar of this measure reaches."""
    figures = [pair.figures for pair in pairs if pair.measure == measure]
    bounds = (bound for one in figures for bound in (one.difference, one.low, one.high) if bound is not None)
    return max(map(abs, bounds), default=0.0) or 1.0


def _costs(comparison: ComparisonResult, view: View) -> str:
    costs = {one.name: view.cost(one) for one in comparison.systems}
    columns: list[tuple[str, Callable[[SystemResult, Cost], str]]] = [
        ("Seconds", lambda system, cost: _time(system, cost.seconds)),
        ("a query, p50", lambda system, cost: _time(system, cost.seconds_p50)),
        ("p95", lambda system, cost: _time(system, cost.seconds_p95)),
        ("Pairs", lambda _, cost: number(cost.pairs)),
        ("Questions", lambda _, cost: number(cost.questions)),
        ("Rounds", lambda _, cost: number(cost.sequential_rounds)),
        ("Calls", lambda _, cost: number(cost.usage.calls)),
        ("Input tokens", lambda _, cost: number(cost.usage.input_tokens or None)),
        ("cached", lambda _, cost: number(cost.usage.cached_tokens or None)),
        ("Output tokens", lambda _, cost: number(cost.usage.output_tokens or None)),
        ("Cost", lambda _, cost: number(cost.usage.cost, 4)),
    ]
    known = [(system, cost) for system in comparison.systems if (cost := costs[system.name])]
    columns = [(name, shown) for name, shown in columns if any(shown(*one) != NOTHING for one in known)]
    head = header_row(["System"], [name for name, _ in columns])
    rows = ""
    for system in comparison.systems:
        cost = costs[system.name]
        what = "a run that was read" if system.kind == "run" else "nothing was computed"
        cells = (
            "".join(cell(shown(system, cost)) for _, shown in columns)
            if cost
            else f'<td colspan="{len(columns) or 1}" class="none">no cost: {what}</td>'
        )
        rows += f"<tr>{_system_head(comparison, system)}{cells}</tr>"
    return scrolling(f"Cost, {view.name}", f'<table class="costs">{head}<tbody>{rows}</tbody></table>')


def _conduct(comparison: ComparisonResult, view: View) -> str:
    conducts = {one.name: _figures_in(one, view) for one in comparison.systems}
    every = [figures.conduct for found in conducts.values() for figures in found]
    kinds = list(dict.fromkeys([*_OUTCOMES, *(kind for one in every for kind in one.outcomes)]))
    kinds = [kind for kind in kinds if any(one.outcomes.get(kind) for one in every)]
    head = header_row(
        ["System"], ["Malformed", *(kind.capitalize() for kind in kinds), "Failures", "Late", "From the store"]
    )
    rows = ""
    for system in comparison.systems:
        found = conducts[system.name]
        counts = {kind: sum(one.conduct.outcomes.get(kind, 0) for one in found) for kind in kinds}
        malformed = Conduct(outcomes=counts).malformed_share
        cells = [
            cell(NOTHING if malformed is None else f"{malformed:.1%}"),
            *(cell(number(count or None)) for count in counts.values()),
            cell(number(sum(len(one.conduct.failures) for one in found) or None)),
            cell(number(sum(one.conduct.late for one in found) or None)),
            cell(number(sum(one.stored for one in found) or None)),
        ]
        rows += f"<tr>{_system_head(comparison, system)}{''.join(cells)}</tr>"
    return scrolling(f"Outcomes, {view.name}", f'<table class="conduct">{head}<tbody>{rows}</tbody></table>')


def _figures_in(system: SystemResult, view: View) -> list[SystemFigures]:
    return [one for one in system.figures if one.data in view.data]


def _judged(system: SystemResult, view: View) -> str:
    shares = [one.judged for one in _figures_in(system, view)]
    return f"{sum(shares) / len(shares):.0%}" if shares else NOTHING


def _for_each_view(comparison: ComparisonResult, table: Callable[[ComparisonResult, View], str]) -> str:
    views = views_of(comparison)
    title = "<h3>{}</h3>" if len(views) > 1 else ""
    return "".join(
        f'<div data-view="{index}">{title.format(escape(view.name))}{table(comparison, view)}</div>'
        for index, view in enumerate(views)
    )


def _system_head(comparison: ComparisonResult, system: SystemResult) -> str:
    what = "baseline" if system.name == comparison.baseline else ""
    what = ", ".join(part for part in (what, system.kind if system.kind != system.name else "") if part)
    return f'<th scope="row">{system_name(comparison, system.name)}<small>{escape(what)}</small></th>'


def _signed(pair: PairResult) -> str:
    """With an arrow, and a dagger where it is significant."""
    figure = pair.figures.difference
    way = "gain" if figure > 0 else "loss" if figure < 0 else "same"
    arrow = {"gain": "▲", "loss": "▼", "same": "="}[way]
    dagger = "<sup>†</sup>" if pair.significant else ""
    written = minus(f"{figure:+.4f}") if figure else "0.0000"
    return f'<span class="{way}"><span aria-hidden="true">{arrow}</span> {written}{dagger}</span>'


def _probability(p: float) -> str:
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def _time(system: SystemResult, seconds: float) -> str:
    if has_seconds(system):
        return seconds_figure(seconds)
    return '<span class="none" title="answers were replayed: the time of the model is not known">–</span>'


def _wins(wins: int, ties: int, losses: int) -> str:
    total = (wins + ties + losses) or 1
    parts = "".join(
        f'<i class="{name}" style="width:{count / total:.1%}"></i>'
        for name, count in (("win", wins), ("tie", ties), ("defeat", losses))
    )
    return f'{wins:,} / {ties:,} / {losses:,}<span class="shares" aria-hidden="true">{parts}</span>'
