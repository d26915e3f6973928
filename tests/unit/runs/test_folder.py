"""Run folders are found, named apart, and read however far they are."""

from pathlib import Path

import pytest

from litebert.foundation.errors import DataError
from litebert.runs.folder import find_runs, open_runs


def test_folders_of_runs_are_searched_and_each_run_is_taken_once(tmp_path, make_run) -> None:
    a, b = make_run("sweep/a"), make_run("sweep/deep/b")
    (tmp_path / "sweep" / "notes").mkdir()
    assert find_runs([tmp_path / "sweep"]) == [a, b]
    assert find_runs([b, tmp_path / "sweep"]) == [b, a]


@pytest.mark.parametrize(
    ("name", "words"),
    [("none", "is no folder"), ("empty", "holds no run"), ("file", "is no folder")],
)
def test_what_holds_no_run_is_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match=f"{name} {words}"):
        find_runs([tmp_path / name])


def test_equal_names_are_told_apart_by_their_folders(make_run) -> None:
    folders = [make_run("books/run"), make_run("news/run")]
    assert [run.name for run in open_runs(folders)] == ["books/run", "news/run"]
    assert [run.name for run in open_runs([*folders[:1], make_run("news/other")])] == [
        "run",
        "other",
    ]


def test_a_run_that_has_only_begun_is_read(make_run) -> None:
    run = open_runs([make_run("run", step=0)])[0]
    assert (run.step, run.total_steps, run.history.train) == (0, 300, [])
    assert open_runs([make_run("other", step=120)])[0].step == 120


@pytest.mark.parametrize("content", ["{", "[]", '{"command": "pretrain"}', '{"settings": 3}'])
def test_a_damaged_record_is_named(make_run, content: str) -> None:
    folder = make_run("run")
    (folder / "run.json").write_text(content)
    with pytest.raises(DataError, match=r"run\.json"):
        open_runs([folder])
