"""Runs side by side: who leads, what differs, and that it fits any mixture of them."""

import json
from pathlib import Path
from typing import Any

from litebert.report.page import Section, Table, render
from litebert.runs.folder import open_runs
from litebert.runs.page import overview, page_of


def tables(sections: list[Section], heading: str) -> list[Table]:
    section = next(section for section in sections if section.heading == heading)
    return [block for block in section.blocks if isinstance(block, Table)]


def headings(sections: list[Section]) -> list[str]:
    return [section.heading for section in sections]


def test_the_best_run_stands_out_and_only_what_differs_is_listed(make_run) -> None:
    folders = [make_run("slow", rate=1e-3), make_run("fast", rate=2e-3)]
    title, subtitle, sections = page_of(folders)
    assert (title, subtitle) == ("Runs", "2 runs of litebert pretrain")
    assert headings(sections) == ["Scores", "Curves", "Settings that differ"]
    scores = tables(sections, "Scores")[0]
    assert scores.strong == [1]
    assert [row[:6] for row in scores.rows] == [
        ["slow", 300, 300, 19_200, "30 s", "640"],
        ["fast", 300, 300, 19_200, "30 s", "640"],
    ]
    assert [row[-2:] for row in scores.rows] == [["6.0000", "40.0 %"], ["5.0000", "40.0 %"]]
    settings = tables(sections, "Settings that differ")[0]
    assert settings.columns == ["Setting", "slow", "fast"]
    assert settings.rows == [["schedule.learning_rate", "0.001", "0.002"]]
    assert "<svg" in render(title, subtitle, sections)


def test_equal_runs_are_said_to_be_equal(make_run) -> None:
    sections = page_of([make_run("a"), make_run("b")])[2]
    assert "Every setting is the same" in render("t", "", sections)


def test_runs_of_both_kinds_and_of_any_age_share_a_page(make_run) -> None:
    folders = [
        make_run("pretraining"),
        make_run("tuning", step=100, command="finetune"),
        make_run("begun", step=0, command="finetune"),
    ]
    _, subtitle, sections = page_of(folders, "minutes")
    assert subtitle == "3 runs of litebert finetune and pretrain"
    rows = tables(sections, "Scores")[0].rows
    assert [row[1] for row in rows] == [300, 100, 0]
    assert rows[2][3:6] == ["–", "–", "–"]
    assert tables(sections, "Scores")[0].strong == []


def test_a_single_pretraining_run_has_its_own_page(make_run) -> None:
    title, subtitle, sections = page_of([make_run("run")])
    assert title == "Pretraining"
    assert subtitle.startswith("run · 1,234,567 parameters")
    title, _, sections = page_of([make_run("tuned", command="finetune")])
    assert title == "Runs"
    assert headings(sections) == ["Scores", "Curves"]


def test_the_best_of_each_measure_is_shown_where_it_came_earlier(make_run) -> None:
    folder = make_run("run", command="finetune")
    line = '{"kind": "evaluation", "step": 300, "loss": 6.2, "accuracy": 0.6, "tokens": 9}\n'
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line)
    last, best = tables(page_of([folder])[2], "Scores")
    assert last.rows[0][-2:] == ["6.2000", "60.0 %"]
    assert best.rows == [["run", "6.0000", "80.0 %"]]


def test_alarms_of_all_runs_are_listed(make_run) -> None:
    folders = [make_run("calm"), make_run("wild")]
    alarm: dict[str, Any] = {"event": "alarm", "kind": "loss_spike", "step": 70, "text": "rose"}
    write_line(folders[1], alarm)
    assert tables(page_of(folders)[2], "Alarms")[0].rows == [["wild", 70, "loss spike", "rose"]]


def write_line(folder: Path, line: dict[str, Any]) -> None:
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def test_the_overview_fits_runs_without_an_evaluation(make_run) -> None:
    columns, rows = overview(open_runs([make_run("young", step=50)]))
    assert columns == ["Run", "Steps", "Of", "Tokens", "Time", "Tokens / s", "Parameters"]
    assert rows == [["young", 50, 300, 3_200, "5 s", "640", 1_234_567]]
