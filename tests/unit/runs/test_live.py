"""The live page follows the records, refuses nothing else than what it is asked for wrongly."""

import socket
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from litebert.foundation.errors import ConfigError
from litebert.runs.live import LivePage, serving, shown


def fetch(address: str) -> str:
    with urlopen(address, timeout=20) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return answer.read().decode()


def test_the_page_is_served_from_before_the_first_record_to_the_last(tmp_path, make_run) -> None:
    with serving(LivePage([tmp_path / "run"]), port=0) as address:
        assert "No run has begun yet" in fetch(address)
        make_run("run", step=100)
        page = fetch(address)
        assert "of 300; the rest takes 20 s" in page
        assert 'http-equiv="refresh"' in page
        assert page == fetch(address + "?again")
        with pytest.raises(HTTPError, match="404"):
            fetch(address + "run.json")


def test_the_page_is_built_anew_only_when_a_record_changes(make_run) -> None:
    folder = make_run("run", step=100)
    page = LivePage([folder])
    first = page.text()
    assert page.text() is first
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "step": 110, "tokens": 7040, "seconds": 11.0}\n')
    assert "7,040" in page.text()


def test_a_damaged_record_is_said_on_the_page(make_run) -> None:
    folder = make_run("run")
    (folder / "run.json").write_text("{")
    assert "run.json is not valid JSON" in LivePage([folder]).text()


def test_an_address_that_cannot_be_had_is_refused_before_anything_begins(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} .*name another --port"):
            serving(LivePage([tmp_path]), port=port).__enter__()
    with pytest.raises(ConfigError, match="70000"):
        serving(LivePage([tmp_path]), port=70_000).__enter__()


def test_without_a_port_another_is_taken_where_the_usual_one_is_not_free(tmp_path: Path) -> None:
    with serving(LivePage([tmp_path])) as first, serving(LivePage([tmp_path])) as second:
        assert first != second
        assert "No run has begun yet" in fetch(second)


def test_a_run_is_shown_only_where_that_is_asked_for(tmp_path: Path, capsys) -> None:
    with shown([tmp_path], live=False):
        assert capsys.readouterr().err == ""
    with shown([tmp_path], live=True, port=0):
        address = capsys.readouterr().err.split()[-1]
        assert "No run has begun yet" in fetch(address)
