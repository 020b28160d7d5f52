"""The keyword grid, and the plots."""

from __future__ import annotations

from fakes import CONTRACT, Target
from harness import judge

from infercheck.reports.grid import SLOTS, grid_of
from infercheck.reports.plots import HEIGHT, WIDTH, bars, timings
from infercheck.reports.survey import Streamed, Survey, survey_of

ONLY = ("input/prompt/top_k", "input/prompt/temperature")


def cells(grid):
    return {cell.id: cell for _, row in grid.rows for cell in row if cell is not None}


def top_k_51(body):
    return CONTRACT.oracle.is_valid(body) or (isinstance(body, dict) and body.get("top_k") == 51)


def test_a_cell_says_what_was_seen_on_each_side_of_a_keyword():
    results = judge(Target(accepts=top_k_51), only=ONLY)
    grid = grid_of(results)
    assert grid.keywords == ("type", "minimum", "maximum")
    assert [path for path, _ in grid.rows] == ["prompt/temperature", "prompt/top_k"]
    found = cells(grid)
    kept, lost = found["input/prompt/temperature/maximum"], found["input/prompt/top_k/maximum"]
    assert [slot.verdict for slot in kept.slots] == ["pass", "pass", "pass", ""]
    assert [slot.verdict for slot in lost.slots] == ["pass", "pass", "fail", ""]
    assert [slot.sign for slot in lost.slots] == ["✓", "✓", "✕", "·"]
    assert lost.verdict == "fail"
    assert lost.said == "maximum: fail (valid at limit pass, just inside pass, just outside fail)"
    assert [slot.verdict for slot in found["input/prompt/top_k/type"].slots][-1] == "pass"


def test_every_keyword_of_the_schema_has_a_cell_and_every_link_a_requirement():
    results = judge(Target(), profile="quick")
    found = cells(grid_of(results))
    contract = results.record.header["contract"]["id"]
    wanted = {row.requirement.id for row in results.record.rows if row.requirement.keyword}
    assert contract
    assert set(found) == {id_ for id_ in wanted if id_.startswith("input/")}
    assert all(len(cell.slots) == len(SLOTS) for cell in found.values())


def test_prices_are_those_of_all_requests():
    results = judge(Target(), only=ONLY)
    survey = survey_of(results.record)
    assert sum(survey.requests.values()) == len(results.record.exchanges)
    drawn = bars(survey)
    assert drawn[0].length == 100
    assert [bar.tokens for bar in drawn] == sorted((bar.tokens for bar in drawn), reverse=True)


def streams(*pairs):
    return Survey(streams=[Streamed(at=at, first=first, gap=None) for at, first in pairs])


def test_points_lie_within_the_plot_and_the_slowest_is_drawn():
    pairs = [(number / 10, 0.001 if number != 3333 else 20.0) for number in range(10_000)]
    (plot,) = timings(streams(*pairs))
    assert len(plot.points) < 500
    assert all(0 <= point.x <= WIDTH and 0 <= point.y <= HEIGHT for point in plot.points)
    assert min(plot.points, key=lambda point: point.y).x == round(WIDTH * 3333 / 9999, 1)
    assert plot.median == "1 ms"
    assert [tick.label for tick in plot.up] == ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"]
    assert [tick.label for tick in plot.across] == ["0 s", "500 s", "1e+03 s"]


def test_without_streams_nothing_is_plotted():
    assert list(timings(streams())) == []
    assert list(timings(streams((0.0, 0.1)))) == []
