"""Where lines and boxes go, and that the markup carries classes, never colours."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.domain.metrics import RULES, Metric
from app.domain.statistics import Counts, Score, score_of
from app.rendering import words
from app.rendering.charts import WIDTH, split, trend, whisker
from app.rendering.languages import language_of

TEMPLATES = Path(__file__).parents[2] / "templates"
few = st.integers(0, 60)
answered = st.builds(Counts, few, few, few).filter(lambda each: each.n > 0)


def scored(metric: Metric, counts: Counts) -> Score:
    score = score_of(metric, counts)
    assert score is not None
    return score


def test_a_net_score_is_drawn_on_the_whole_scale() -> None:
    chart = whisker(Metric.ENPS, scored(Metric.ENPS, Counts(31, 22, 15)))
    assert (chart.ticks, chart.ends) == ((4, 120, 236), (-100, 0, 100))
    assert (chart.low, chart.high, chart.width, chart.point) == (124.9, 167.4, 42.5, 147.3)


def test_a_share_is_drawn_from_nothing_to_everybody() -> None:
    chart = whisker(Metric.CSAT, scored(Metric.CSAT, Counts(788, 62, 53)))
    assert chart.ends == (0, 50, 100)
    assert (chart.low, chart.high, chart.point) == (201.0, 211.1, 206.5)


@pytest.mark.parametrize("n", [1, 2])
def test_below_three_answers_there_is_a_whisker_and_no_dot(n: int) -> None:
    chart = whisker(Metric.NPS, scored(Metric.NPS, Counts(upper=n)))
    assert chart.low is not None
    assert chart.point is None


def test_without_a_score_only_the_scale_is_drawn() -> None:
    chart = whisker(Metric.NPS, None)
    assert (chart.low, chart.high, chart.point, chart.width) == (None, None, None, 0)


@settings(deadline=None)
@given(st.sampled_from(Metric), answered)
def test_a_whisker_stays_on_its_axis(metric: Metric, counts: Counts) -> None:
    chart = whisker(metric, scored(metric, counts))
    assert chart.low is not None and chart.high is not None
    assert chart.ticks[0] <= chart.low <= chart.high <= chart.ticks[2]


def test_a_trend_runs_from_edge_to_edge_with_its_band_behind() -> None:
    scores = [scored(Metric.NPS, Counts(5 + step, 3, 4)) for step in range(13)]
    chart = trend(scores)
    assert chart is not None
    (line,), (band,) = chart.lines, chart.bands
    assert line.startswith("M2.0 ") and line.count(" ") == 25
    assert band.endswith("z") and " L232.0 " in band
    assert chart.last is not None and chart.last[0] == 232
    assert (chart.first_score, chart.last_score) == (scores[0], scores[-1])


def test_a_gap_in_the_answers_is_a_gap_in_the_line_and_not_a_zero() -> None:
    some = scored(Metric.CSAT, Counts(8, 1, 1))
    chart = trend([some, some, None, None, some, some, None])
    assert chart is not None
    assert len(chart.lines) == len(chart.bands) == 2
    assert chart.last is None


def test_a_point_without_neighbours_is_a_whisker() -> None:
    some = scored(Metric.CSAT, Counts(8, 1, 1))
    chart = trend([None, some, None, some, some])
    assert chart is not None
    assert len(chart.lines) == len(chart.bands) == 1
    assert chart.lone == ("M59.5 4.0V60.0",)


def test_one_score_alone_is_no_trend() -> None:
    some = scored(Metric.CSAT, Counts(8, 1, 1))
    assert trend([some]) is None
    assert trend([None, some, None]) is None
    assert trend([None, None]) is None
    assert trend([]) is None


@example(Metric.NPS, [Counts(0, 0, 1), Counts(0, 0, 1)])  # its score lies below its interval
@settings(deadline=None)
@given(st.sampled_from(Metric), st.lists(st.none() | answered, max_size=14))
def test_a_trend_stays_on_its_paper(metric: Metric, counts: list[Counts | None]) -> None:
    chart = trend([each and score_of(metric, each) for each in counts])
    if chart is None:
        return
    for path in (*chart.lines, *chart.bands):
        numbers = [float(number) for number in re.findall(r"[\d.]+", path)]
        assert all(2 <= x <= WIDTH for x in numbers[::2])
        assert all(4 <= y <= 60 for y in numbers[1::2])


@settings(deadline=None)
@given(answered)
def test_a_stacked_bar_fills_its_width_with_what_was_counted(counts: Counts) -> None:
    parts = split(counts)
    assert [part.tone for part in parts] == ["up", "flat", "down"]
    assert parts[0].start == 0
    assert parts[-1].start + parts[-1].width == pytest.approx(100, abs=0.02)
    for part, count in zip(parts, (counts.upper, counts.middle, counts.lower), strict=True):
        assert part.width == pytest.approx(100 * count / counts.n, abs=0.02)
        assert abs(part.percent - 100 * count / counts.n) <= 0.5


def test_no_answers_make_no_bar() -> None:
    assert split(Counts()) == ()


# --- the markup --------------------------------------------------------------------------------------------


class Drawing(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def rendered(call: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    language = language_of("pt-BR")
    template = environment.from_string(
        '{% from "console/parts/charts.html" import whisker, trend, split with context %}{{ ' + call + " }}"
    )
    return template.render(
        language=language, _=language.gettext, ngettext=language.ngettext, **words.FOR_TEMPLATES, **values
    )


def all_three(counts: Counts) -> str:
    score = score_of(Metric.NPS, counts)
    return (
        rendered("whisker(chart, 'w-nps', 'NPS +41')", chart=whisker(Metric.NPS, score))
        + rendered("trend(chart, 't-nps', 'NPS', 'sobe', 'agosto', 'hoje')", chart=trend([score, score]))
        + rendered("split(parts, 's-nps', bands)", parts=split(counts), bands=RULES[Metric.NPS].bands)
    )


def test_charts_are_images_with_a_name_and_carry_no_colour() -> None:
    html = all_three(Counts(231, 118, 63))
    drawing = Drawing()
    drawing.feed(html)
    images = [attrs for tag, attrs in drawing.tags if tag == "svg" and attrs.get("role") == "img"]
    assert len(images) == 2
    ids = {attrs["id"] for _, attrs in drawing.tags if "id" in attrs}
    assert all(attrs["aria-labelledby"] in ids for attrs in images)
    for _, attrs in drawing.tags:
        assert "style" not in attrs and "stroke" not in attrs
        assert (attrs.get("fill") or "url(#s-nps-").startswith("url(#s-nps-")
    assert not re.search(r"#[0-9a-f]{3,8}\b(?!-)", html.replace("#s-nps", ""))


def test_the_ends_of_a_scale_are_written_with_a_real_minus() -> None:
    html = rendered("whisker(chart, 'w', 'NPS')", chart=whisker(Metric.NPS, None))
    assert "<span>−100</span><span>0</span><span>+100</span>" in html


def test_words_in_a_chart_are_data() -> None:
    html = rendered("whisker(chart, 'w', title)", chart=whisker(Metric.NPS, None), title="<b>&")
    assert "<b>" not in html


def test_nothing_to_draw_leaves_its_place_empty() -> None:
    assert "<svg" not in rendered("trend(none, 't', '', '', '', '')") + rendered("split([], 's', [])")
