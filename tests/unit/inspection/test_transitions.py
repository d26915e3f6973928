from pathlib import Path

import pytest

from litebert.foundation.errors import ConfigError, DataError, ModelFolderError
from litebert.inference.distances import layer_distances
from litebert.inspection.transitions import WindowSettings, cut_windows, measure, text_lines
from litebert.inspection.transitions_page import layer_rows, page_of, summary
from litebert.report.page import render
from litebert.weights.folder import load_encoder
from small_models import sentences, small_tokenizer

ON_CPU = WindowSettings(device="cpu", threads=1)
TEXT = "\n".join(text for text, _ in sentences(30, seed=5))


def test_models_of_other_depths_and_kinds_are_measured_side_by_side(
    albert: Path, bert: Path
) -> None:
    measured = measure([albert, bert], TEXT, ON_CPU)
    assert [(m.name, len(m.distances.l2)) for m in measured] == [("albert", 1), ("bert", 4)]
    tokenizer = small_tokenizer()
    windows = cut_windows(TEXT.splitlines(), tokenizer, 32)
    assert measured[1].distances == layer_distances(load_encoder(bert), windows)
    assert measured[0].distances.tokens == sum(map(len, windows))


def test_windows_hold_every_token_once_between_special_pieces() -> None:
    tokenizer = small_tokenizer()
    windows = cut_windows(TEXT.splitlines(), tokenizer, 10)
    ids = [index for line in TEXT.splitlines() for index in tokenizer.encode(line)]
    assert [i for w in windows for i in w.ids.tolist()[1:-1]] == ids
    assert all(w.ids[0] == tokenizer.cls_id and w.ids[-1] == tokenizer.sep_id for w in windows)
    assert {len(w) for w in windows[:-1]} == {10}


def test_a_text_is_itself_or_the_content_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("first line\n\n  second line \n")
    assert text_lines(str(file), 100) == ["first line", "second line"]
    assert text_lines("first line\n second line", 100) == ["first line", "second line"]
    assert text_lines(str(file), 14) == ["first line", "seco"]
    assert text_lines("word", 100) == ["word"]
    assert text_lines("he/she is " + "long " * 5000, 10) == ["he/she is"]


@pytest.mark.parametrize("name", ["nope.txt", "some/where", "texts.jsonl.gz"])
def test_a_file_that_is_not_there_is_no_text(name: str) -> None:
    with pytest.raises(DataError, match="does not exist"):
        text_lines(name, 100)


def test_an_empty_text_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n\n")
    for text in ("", " \n", str(tmp_path / "empty.txt")):
        with pytest.raises(DataError, match="TEXT is empty"):
            text_lines(text, 100)
    with pytest.raises(DataError, match="is a folder"):
        text_lines(str(tmp_path), 100)


def test_windows_longer_than_a_model_takes_are_refused(albert: Path, bert: Path) -> None:
    with pytest.raises(ConfigError, match="33 is more than the 32 tokens"):
        measure([albert, bert], TEXT, ON_CPU.changed(max_length=33))
    with pytest.raises(ModelFolderError, match="does not exist"):
        measure([albert, Path("nowhere")], TEXT, ON_CPU)


def test_the_page_shows_every_layer_of_every_model(albert: Path, bert: Path) -> None:
    measured = measure([albert, bert], TEXT, ON_CPU)
    columns, rows = layer_rows(measured)
    assert len(columns) == 7
    assert [row[0] for row in rows] == [1, 2, 3, 4]
    assert rows[1][1:4] == ["–", "–", "–"]
    assert rows[0][1] == f"{measured[0].distances.l2[0]:.3f}"
    assert [row[0] for row in summary(measured)[1]] == ["albert", "bert"]
    page = render(*page_of(measured))
    assert page.count("<svg") == 3
    assert columns[-1] == "bert\nCosine similarity"
    assert layer_rows(measured, ["l2"])[0] == ["Layer", "albert", "bert"]  # narrow on a page
    assert page.count("<table") == 4
    assert render(*page_of(measured[:1])).count("<table") == 2
    assert page == render(*page_of(measured))
