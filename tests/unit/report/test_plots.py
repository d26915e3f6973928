import re
import sys
import threading
from xml.etree import ElementTree

import numpy as np
import pytest

from litebert.report import plots


def svg(text: str) -> ElementTree.Element:
    """The element, after checking that the text is well-formed XML."""
    return ElementTree.fromstring(text)


def words(text: str) -> list[str]:
    return [element.text or "" for element in svg(text).iter() if element.tag.endswith("}text")]


def panel(**changes) -> plots.Panel:
    series = [
        plots.Series("training", [0, 1, 2], [3.0, 2.0, 1.0]),
        plots.Series("held out", [0, 2], [3.5, float("nan")]),
    ]
    values = {"title": "Loss", "series": series, "x_label": "step", "y_label": "nats"}
    return plots.Panel(**{**values, **changes})


def test_curves_name_axes_series_and_levels():
    drawn = words(plots.curves(panel(levels=[plots.Level("unigram entropy", 2.5)])))
    assert {"Loss", "step", "nats", "training", "held out", "unigram entropy"} <= set(drawn)


def test_labels_are_text_and_never_markup_or_formulas():
    drawn = plots.curves(panel(title="$\\frac{<script>", series=[]))
    assert "$\\frac{<script>" in words(drawn)
    assert "<script>" not in drawn


def test_letters_unknown_to_the_drawing_font_are_kept():
    assert "漢字" in words(plots.bars("Bars", [("漢字", 1.0)]))


def test_colours_are_left_to_the_page():
    matrix = np.array([[5, 1], [0, 3]])
    for drawn in (
        plots.curves(panel(series=[plots.Series("a", [1, 2], [3, 4], 0.5)])),
        plots.confusion(matrix, ["a", "b"]),
    ):
        assert "var(--ink)" in drawn
        assert set(re.findall(r"#[0-9a-f]{6}\b", drawn)) == set()


def test_equal_data_give_equal_bytes_and_figures_share_no_identifier():
    first, second = plots.curves(panel()), plots.curves(panel(title="Accuracy"))
    assert first == plots.curves(panel())
    names = [set(re.findall(r' id="([^"]+)"', drawn)) for drawn in (first, second)]
    assert names[0]
    assert not names[0] & names[1]


def test_bars_write_their_values():
    drawn = words(
        plots.bars("Accuracy", [("a", 0.123), ("b", 0.5)], percent=True, spread=[0.01, 0])
    )
    assert {"12.3 %", "50.0 %"} <= set(drawn)


def test_confusion_writes_counts_of_small_matrices_only():
    small = plots.confusion(np.eye(30, dtype=int) * 77, [f"class {i}" for i in range(30)])
    large = plots.confusion(np.eye(40, dtype=int) * 77, [f"class {i}" for i in range(40)])
    assert words(small).count("77") == 30
    assert "77" not in words(large)
    assert "class 39" in words(large)


def test_confusion_of_a_class_without_rows_draws():
    assert "0" not in words(plots.confusion(np.zeros((2, 2), dtype=int), ["a", "b"]))


def test_long_labels_are_cut_and_line_breaks_folded():
    drawn = words(plots.bars("Bars", [("a\nb " + "x" * 80, 1.0)]))
    assert any(label.startswith("a b xxx") and label.endswith("…") for label in drawn)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_smoothing_keeps_a_constant(share):
    assert plots.smooth([2.0] * 5, share) == pytest.approx([2.0] * 5)


def test_smoothing_damps_a_jump():
    assert plots.smooth([0.0, 1.0], 0.5) == pytest.approx([0.0, 2 / 3])


def test_drawing_needs_no_window_system():
    plots.bars("Bars", [("a", 1.0)])
    assert "matplotlib.pyplot" not in sys.modules


def test_marks_are_named_beside_their_lines_unless_there_are_too_many():
    few = plots.curves(panel(marks=[plots.Mark("spike 1", 1.0)]))
    assert "spike 1" in words(few)
    many = plots.curves(panel(marks=[plots.Mark(f"spike {i}", i / 9) for i in range(20)]))
    assert not [word for word in words(many) if word.startswith("spike")]
    assert many.count("var(--alarm)") == 20


def test_marks_that_lie_close_together_share_a_label():
    places = {"1": 3.01, "2": 3.02, "3": 3.01, "4": 8.0}
    drawn = plots.curves(panel(marks=[plots.Mark(name, x / 9) for name, x in places.items()]))
    assert "1–3" in words(drawn)
    assert drawn.count("var(--alarm)") == 4 + 2


def test_a_long_run_is_drawn_with_the_means_of_its_points():
    steps = list(range(100_000))
    drawn = plots.curves(panel(series=[plots.Series("a", steps, [s % 2 for s in steps])]))
    assert len(drawn) < 60_000


def test_lines_beyond_the_colours_are_dashed():
    series = [plots.Series(f"run {i}", [0, 1], [i, i + 1]) for i in range(8)]
    drawn = plots.curves(panel(series=series, levels=[]))
    assert {f"run {i}" for i in range(8)} <= set(words(drawn))
    assert "stroke-dasharray" in drawn


def test_stacked_areas_reach_the_sum():
    series = [plots.Series("a", [1, 2], [1.0, 1.0]), plots.Series("b", [1, 2], [3.0, 3.0])]
    drawn = words(plots.areas(panel(series=series)))
    assert {"a", "b", "4"} <= set(drawn)


def test_threads_draw_one_after_the_other():
    drawn: list[str] = []
    threads = [
        threading.Thread(target=lambda: drawn.append(plots.curves(panel()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert drawn == [plots.curves(panel())] * 4


def test_points_are_scattered_around_the_line_where_they_are_equal():
    drawn = plots.scatter("Predicted and true", [0.0, 1.0, 5.0], [0.5, 1.0, 2.0], "true", "said")
    assert {"Predicted and true", "true", "said"} <= set(words(drawn))
    many = plots.scatter("Many", range(40_000), range(40_000), "a", "b")
    assert 900 < many.count("<use") < 1100  # of so many, some are enough
