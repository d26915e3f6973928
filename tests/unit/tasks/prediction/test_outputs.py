import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.errors import DataError, StorageError
from litebert.tasks.prediction.outputs import Rows, open_rows, predict_file, print_predictions
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.tabular import Row, Table
from small_models import sentences, write_csv

TEXTS = [text for text, _ in sentences(30)]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def predicted_csv(predictor: Predictor, source: Path, folder: Path) -> list[dict[str, str]]:
    predict_file(predictor, open_rows(predictor, source), folder / "out.csv")
    return read_csv(folder / "out.csv")


def test_csv_keeps_the_columns_and_the_order_of_the_input(predictor: Predictor, tmp_path: Path):
    rows = [(str(i), text, 'a "note",\nin two lines') for i, text in enumerate(TEXTS)]
    source = write_csv(tmp_path / "in.csv", ("id", "text", "note"), rows)
    found = predicted_csv(predictor, source, tmp_path)
    expected = predictor.predict(TEXTS)
    assert [(row["id"], row["text"], row["note"]) for row in found] == rows
    assert list(found[0]) == [
        *("id", "text", "note", "label", "probability"),
        *("probability_bad", "probability_good", "probability_so-so"),
    ]
    for row, prediction in zip(found, expected, strict=True):
        assert row["label"] == prediction.label
        assert float(row["probability"]) == pytest.approx(prediction.probability, rel=1e-5)
        for label, value in prediction.probabilities.items():
            assert float(row[f"probability_{label}"]) == pytest.approx(value, rel=1e-5)


def test_jsonl_keeps_the_values_of_the_input(predictor: Predictor, tmp_path: Path):
    rows = [{"text": text, "tags": [i, None]} for i, text in enumerate(TEXTS)]
    source = tmp_path / "in.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    predict_file(predictor, open_rows(predictor, source), tmp_path / "out.jsonl")
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [{"text": row["text"], "tags": row["tags"]} for row in found] == rows
    assert list(found[0]) == ["text", "tags", "label", "probability", "probabilities"]
    assert found[0]["probability"] == found[0]["probabilities"][found[0]["label"]]


def test_jsonl_is_json_whatever_numbers_the_input_has(predictor: Predictor, tmp_path: Path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "the house", "x": NaN, "y": {"z": [Infinity, 1.5]}}\n')
    predict_file(predictor, open_rows(predictor, source), tmp_path / "out.jsonl")
    text = (tmp_path / "out.jsonl").read_text()
    row = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (row["x"], row["y"]) == (None, {"z": [None, 1.5]})


def test_a_name_the_input_has_already_gets_a_prefix(predictor: Predictor, tmp_path: Path):
    columns = ("text", "label", "predicted_label", "probability_bad")
    source = write_csv(tmp_path / "in.csv", columns, [("the house", "x", "y", "z")])
    (row,) = predicted_csv(predictor, source, tmp_path)
    assert (row["label"], row["predicted_label"], row["probability_bad"]) == ("x", "y", "z")
    assert row["predicted_predicted_label"] in predictor.task.labels
    assert 0 < float(row["predicted_probability_bad"]) < 1
    (tmp_path / "in.jsonl").write_text('{"text": "the house", "label": "x"}\n')
    rows = open_rows(predictor, tmp_path / "in.jsonl")
    predict_file(predictor, rows, tmp_path / "out.jsonl")
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert line["label"] == "x"
    assert line["predicted_label"] in predictor.task.labels


def test_the_predictions_of_one_model_can_be_the_input_of_another(
    predictor: Predictor, tmp_path: Path
):
    source = write_csv(tmp_path / "in.csv", ("text",), [(text,) for text in TEXTS])
    predicted_csv(predictor, source, tmp_path)
    again = tmp_path / "again.csv"
    predict_file(predictor, open_rows(predictor, tmp_path / "out.csv"), again)
    assert all(row["label"] == row["predicted_label"] for row in read_csv(again))


def test_json_values_in_csv(predictor: Predictor, tmp_path: Path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "a", "x": {"k": "é"}, "y": true, "z": 1}\n{"text": "b"}\n')
    first, second = predicted_csv(predictor, source, tmp_path)
    assert (first["x"], first["y"], first["z"]) == ('{"k": "é"}', "true", "1")
    assert (second["x"], second["y"], second["z"]) == ("", "", "")


def test_a_later_json_row_with_another_key_does_not_fit_csv(predictor: Predictor, tmp_path: Path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"text": "a"}\n{"text": "b", "new": 1}\n')
    with pytest.raises(DataError, match=r'line 2 has "new", which the first row lacks.*\.jsonl'):
        predicted_csv(predictor, source, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_nothing_half_written_stays_when_a_late_row_is_bad(predictor: Predictor, tmp_path: Path):
    source = tmp_path / "in.csv"
    source.write_bytes(b"text\n" + b"fine\n" * 3000 + b"caf\xe9\n")
    output = tmp_path / "out.csv"
    output.write_text("what was there before")
    with pytest.raises(DataError, match="line 3002, byte"):
        predict_file(predictor, open_rows(predictor, source), output)
    assert output.read_text() == "what was there before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_lines_of_standard_input(predictor: Predictor, pair_predictor: Predictor):
    out = io.StringIO()
    rows = open_rows(predictor, Path("-"), standard_input=io.BytesIO(b"the house\n\nold\n"))
    tally = print_predictions(predictor, rows, out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["text"] for line in lines] == ["the house", "", "old"]
    assert (tally.rows, tally.empty) == (3, 1)
    pair = open_rows(pair_predictor, Path("-"), standard_input=io.BytesIO(b"a day\tthe old\n"))
    out = io.StringIO()
    print_predictions(pair_predictor, pair, out)
    assert json.loads(out.getvalue())["answer"] == "the old"


def test_a_file_of_lines(predictor: Predictor, pair_predictor: Predictor, tmp_path: Path):
    source = tmp_path / "in.txt"
    source.write_text("the house\nold\n")
    assert [row["text"] for row in predicted_csv(predictor, source, tmp_path)] == [
        "the house",
        "old",
    ]
    with pytest.raises(DataError, match="is not a table"):
        open_rows(pair_predictor, source)


def test_other_columns_may_be_named(pair_predictor: Predictor, tmp_path: Path):
    source = write_csv(tmp_path / "in.csv", ("q", "a"), [("the old", "house")])
    with pytest.raises(DataError, match='no column "question"; its columns are: q, a'):
        open_rows(pair_predictor, source)
    rows = open_rows(pair_predictor, source, {"text": "q", "pair": "a"})
    predict_file(pair_predictor, rows, tmp_path / "out.csv")
    assert read_csv(tmp_path / "out.csv")[0]["q"] == "the old"


def test_the_output_must_be_csv_or_jsonl(predictor: Predictor, tmp_path: Path):
    source = write_csv(tmp_path / "in.csv", ("text",), [("the old",)])
    with pytest.raises(DataError, match=r"out\.xlsx: predictions are written as \.csv or \.jsonl"):
        predict_file(predictor, open_rows(predictor, source), tmp_path / "out.xlsx")


def test_the_table_itself_is_not_replaced(predictor: Predictor, tmp_path: Path):
    source = write_csv(tmp_path / "in.csv", ("text",), [("the house",)])
    before = source.read_bytes()
    (tmp_path / "sub").mkdir()
    with pytest.raises(StorageError, match="is what is to be predicted"):
        predict_file(predictor, open_rows(predictor, source), tmp_path / "sub" / ".." / "in.csv")
    assert source.read_bytes() == before


def test_rows_are_written_while_the_table_is_read(predictor: Predictor):
    """A stream without end is written as it goes: memory holds what is read ahead, no more."""
    read: list[int] = []

    class Enough(Exception):
        pass

    class Sink(io.StringIO):
        def write(self, text: str) -> int:
            if len(read) > 5000:
                raise Enough
            return super().write(text)

    def endless() -> Iterator[Row]:
        while True:
            read.append(1)
            yield Row(len(read), {"text": "the house"})

    table = Table("endless", ("text",), endless)
    with pytest.raises(Enough):
        print_predictions(predictor, Rows(table, {"text": "text"}), Sink())
    assert len(read) < 10_000


field = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff"), max_size=15)


@given(st.lists(st.tuples(field.filter(str.strip), field), min_size=1, max_size=8))
def test_whatever_the_input_holds_is_kept(
    predictor: Predictor, tmp_path_factory, rows: list[tuple[str, str]]
):
    folder = tmp_path_factory.mktemp("kept")
    source = write_csv(folder / "in.csv", ("text", "other"), rows)
    found = predicted_csv(predictor, source, folder)
    assert [(row["text"], row["other"]) for row in found] == rows
