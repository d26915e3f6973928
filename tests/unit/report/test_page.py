import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from litebert.foundation.errors import StorageError
from litebert.report import page, plots

HOSTILE = "<script>alert('x')</script> & \"co\""
VOID = {"meta", "br", "link"}


class _Balance(HTMLParser):
    """Collects tags that are closed out of order, and every attribute of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


@pytest.fixture
def sections() -> list[page.Section]:
    line = plots.curves(
        plots.Panel(HOSTILE, [plots.Series(HOSTILE, [1, 2], [3.0, 4.0])], "step", "loss")
    )
    return [
        page.Section(
            f"Finding {HOSTILE}",
            [
                page.Paragraph(HOSTILE, lead=True),
                page.Facts([page.Fact("Accuracy", "61.2 %", HOSTILE), page.Fact("Steps", 12345)]),
                page.Figure(line, HOSTILE),
                page.Figures([page.Figure(plots.bars("Bars", [(HOSTILE, 0.3), ("b", 0.7)]))]),
                page.Table(["library", "F1"], [[HOSTILE, 0.512345], ["numpy", 0.7]], HOSTILE, [1]),
                page.Code(HOSTILE),
                page.Passage(HOSTILE, [page.Part(HOSTILE, "wrong"), page.Part(HOSTILE)], HOSTILE),
            ],
        )
    ]


def parsed(html: str) -> _Balance:
    parser = _Balance()
    parser.feed(html)
    parser.close()
    return parser


def test_every_tag_is_closed_in_order(sections):
    parser = parsed(page.render("Title", "subtitle", sections, "footer"))
    assert parser.faults == []
    assert parser.open == []


def test_identifiers_are_unique(sections):
    parser = parsed(page.render("Title", "subtitle", sections))
    names = [value for name, value in parser.attributes if name == "id"]
    assert len(names) == len(set(names))


def test_hostile_text_stays_text(sections):
    html = page.render(HOSTILE, HOSTILE, sections, HOSTILE)
    assert "script" not in parsed(html).tags
    assert "alert('x')</script>" not in html


def test_the_page_refers_to_nothing_outside_it(sections):
    html = page.render("Title", "subtitle", sections)
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert set(re.findall(r"https?://[^\"\s<>]+", html)) <= namespaces
    assert not {"link", "img", "iframe", "script"} & parsed(html).tags
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", html))


def test_a_page_asks_for_news_only_when_told_to(sections):
    assert "http-equiv" not in page.render("a", "b", sections)
    assert '<meta http-equiv="refresh" content="15">' in page.render("a", "b", sections, "", 15)


def test_equal_data_give_equal_bytes(sections):
    assert page.render("a", "b", sections) == page.render("a", "b", sections)


def test_columns_of_numbers_are_set_to_the_right():
    table = page.Table(
        ["name", "count", "share", "spread", "mixed"],
        [["a", 1234567, "5.1 %", "61.2 ± 0.4", "1"], ["b", 2, "–", "3 ± 1", "one"]],
    )
    html = page.render("t", "", [page.Section("s", [table])])
    heads = re.findall(r'<th( class="number")? scope="col">(\w+)</th>', html)
    assert [name for number, name in heads if number] == ["count", "share", "spread"]
    assert "1,234,567" in html


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path, sections):
    page.write_report(tmp_path / "report.html", "t", "s", sections)
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    (tmp_path / "taken").mkdir()
    with pytest.raises(StorageError, match="taken"):
        page.write_report(tmp_path / "taken", "t", "s", sections)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "taken"]


def test_a_passage_marks_its_parts_and_keeps_its_text():
    parts = [page.Part("It was "), page.Part("a cat", "right"), page.Part(" indeed.", "missed")]
    html = page.render("T", "", [page.Section("S", [page.Passage("Who?", parts, "said: a cat")])])
    assert (
        '<p>It was <mark class="right">a cat</mark><mark class="missed"> indeed.</mark></p>' in html
    )
    assert "<h3>Who?</h3>" in html
    assert '<p class="note">said: a cat</p>' in html
