"""The published counts are printed whole, however narrow the terminal."""

import re

import pytest

from litebert.cli.params import params
from litebert.encoder.config import PRESETS
from litebert.foundation.errors import ConfigError


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each line of a table after its first, by that."""
    cells = [line.strip(" │") for line in text.splitlines() if "=" not in line]
    lines = [re.split(r"[ │]+", line) for line in cells]
    return {line[0]: line[1:] for line in lines}


def test_the_papers_tables_stand_there_number_for_number(
    capsys: pytest.CaptureFixture[str],
) -> None:
    params()
    printed = capsys.readouterr().out
    assert "…" not in printed
    table = rows(printed)
    assert set(PRESETS) <= set(table)
    xlarge = ["24", "2048", "128", "54,528,512", "58,724,864", "59,021,490", "60M"]
    assert table["albert-xlarge-v1"] == table["albert-xlarge-v2"] == xlarge
    assert table["bert-xlarge"][-4:] == ["1,271,095,296", "1,275,291,648", "1,279,526,194", "1270M"]
    assert table["768"] == ["none", "108,490,752", "109,081,344", "109,705,010", "108M"]
    assert "58,724,864 = 21.7x (paper: 1.27B / 59M = 21.5x)" in printed


def test_a_preset_is_taken_apart(capsys: pytest.CaptureFixture[str]) -> None:
    params("albert-base-v2")
    numbers = {name: cells[-1] for name, cells in rows(capsys.readouterr().out).items() if cells}
    assert numbers["embeddings"] == "3,906,048"
    assert numbers["projection"] == "99,072"


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match='did you mean "albert-base-v2"'):
        params("albert-base-v3")
