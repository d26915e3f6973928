from pathlib import Path

import pytest

from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.glue.data import GlueExample, read_glue, read_glue_file
from litebert.tasks.glue.tasks import GLUE, glue_task

TEXTS = ("sentence1", "sentence2")
PARSES = [f"{text}_{kind}" for kind in ("binary_parse", "parse") for text in TEXTS]
MNLI = ["index", "promptID", "pairID", "genre", *PARSES, *TEXTS]
STS_B = ["index", "genre", "filename", "year", "old_index", "source1", "source2", *TEXTS]
PAIR = ["index", "sentence1", "sentence2"]

# The official files: header (none where it has none) and two rows, by task and split.
FILES = {
    ("cola", "train"): (
        None,
        ["gj04", "1", "", "The heron left."],
        ["gj04", "0", "*", "Left heron the."],
    ),
    ("cola", "test"): (["index", "sentence"], ["0", "The heron left."], ["1", "Left the heron."]),
    ("sst-2", "dev"): (["sentence", "label"], ["a lovely morning ", "1"], ["cold", "0"]),
    ("sst-2", "test"): (["index", "sentence"], ["0", "a lovely morning"], ["1", "cold"]),
    ("mrpc", "train"): (
        ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"],
        ["1", "11", "12", "It rained .", "There was rain ."],
        ["0", "13", "14", 'He said " yes .', "It snowed ."],
    ),
    ("mrpc", "test"): (
        ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"],
        ["0", "11", "12", "It rained .", "There was rain ."],
        ["1", "13", "14", "It rained .", "It snowed ."],
    ),
    ("sts-b", "train"): (
        [*STS_B, "score"],
        ["0", "news", "x", "2012", "1", "none", "none", "It rained.", "Rain fell.", "4.800"],
        ["1", "news", "x", "2012", "2", "none", "none", "It rained.", "No.", "0"],
    ),
    ("sts-b", "test"): (
        STS_B,
        ["0", "news", "x", "2012", "1", "none", "none", "It rained.", "Rain fell."],
        ["1", "news", "x", "2012", "2", "none", "none", "It rained.", "No."],
    ),
    ("qqp", "train"): (
        ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"],
        ["133", "1", "2", "Is it cold?", "Is it chilly?", "1"],
        ["134", "3", "4", "Is it cold?", "", "0"],
    ),
    ("qqp", "test"): (
        ["id", "question1", "question2"],
        ["0", "Is it cold?", "Is it chilly?"],
        ["1", "Is it cold?", "Is it far?"],
    ),
    ("mnli", "train"): (
        [*MNLI, "label1", "gold_label"],
        ["0", "9", "9n", "fiction", *"abcd", "It rained.", "It was wet.", "neutral", "entailment"],
        ["1", "9", "9c", "fiction", *"abcd", "It rained.", "It was dry.", "neutral", "neutral"],
    ),
    ("mnli", "dev"): (
        [*MNLI, *(f"label{i}" for i in range(1, 6)), "gold_label"],
        ["0", "9", "9n", "fiction", *"abcd", "It rained.", "It was wet.", *["neutral"] * 6],
        ["1", "9", "9c", "fiction", *"abcd", "It rained.", "So?", *["contradiction"] * 6],
    ),
    ("mnli", "test_mismatched"): (
        MNLI,
        ["0", "9", "9n", "fiction", *"abcd", "It rained.", "It was wet."],
        ["1", "9", "9c", "fiction", *"abcd", "It rained.", "So?"],
    ),
    ("qnli", "train"): (
        ["index", "question", "sentence", "label"],
        ["0", "Who?", "A heron.", "entailment"],
        ["1", "Who?", "It was far.", "not_entailment"],
    ),
    ("qnli", "test"): (
        ["index", "question", "sentence"],
        ["0", "Who?", "A heron."],
        ["1", "Who?", "It was far."],
    ),
    ("rte", "dev"): (
        [*PAIR, "label"],
        ["0", "It rained.", "It was wet.", "entailment"],
        ["1", "It rained.", "It was dry.", "not_entailment"],
    ),
    ("rte", "test"): (PAIR, ["0", "It rained.", "Wet."], ["1", "It rained.", "Dry."]),
    ("wnli", "train"): ([*PAIR, "label"], ["0", "It fell.", "So.", "1"], ["1", "It.", "No.", "0"]),
    ("wnli", "test"): (PAIR, ["0", "It fell.", "It was wet."], ["1", "It fell.", "No."]),
    ("ax", "test"): (PAIR, ["0", "It rained.", "It was wet."], ["1", "It rained.", "Dry."]),
}
LABELS = {
    "cola": ["1", "0"],
    "sst-2": ["1", "0"],
    "mrpc": ["1", "0"],
    "sts-b": ["4.800", "0"],
    "qqp": ["1", "0"],
    "qnli": ["entailment", "not_entailment"],
    "rte": ["entailment", "not_entailment"],
    "wnli": ["1", "0"],
}


def write(
    folder: Path, name: str, split: str, *more: str, end: str = "\n", start: str = ""
) -> Path:
    """Write a file of FILES into GLUE's layout, with more lines after it."""
    rows = ["\t".join(fields) for fields in FILES[name, split] if fields is not None]
    path = folder / GLUE[name].folder / GLUE[name].files[split]
    path.parent.mkdir(parents=True, exist_ok=True)
    content = start + "".join(row + end for row in [*rows, *more])
    path.write_bytes(content.encode("utf-8"))
    return path


@pytest.mark.parametrize(("name", "split"), FILES)
def test_the_official_files_are_read(tmp_path, name, split):
    write(tmp_path, name, split)
    header, first, second = FILES[name, split]
    task, test = GLUE[name], split.startswith("test")
    loaded = read_glue(name, tmp_path, split)
    labels = ["", ""] if test else LABELS.get(name)
    if name == "mnli" and not test:
        labels = [first[-1], second[-1]]
    columns = task.bare_columns if header is None else header
    for example, row, label in zip(loaded.examples, (first, second), labels, strict=True):
        assert example.text == row[columns.index(task.text)]
        assert example.pair == (None if task.pair is None else row[columns.index(task.pair)])
        assert example.label == label
        assert example.index == (row[0] if test else "")
    assert [e.line for e in loaded.examples] == ([1, 2] if header is None else [2, 3])
    assert (loaded.skipped, loaded.remark) == (0, "")


def test_positions_are_those_that_the_original_takes():
    """0-based columns of text, second text and label, from the original's classifier_utils.py."""
    places = {
        ("cola", "train"): (3, None, 1),
        ("cola", "test"): (1, None, None),
        ("sst-2", "dev"): (0, None, 1),
        ("sst-2", "test"): (1, None, None),
        ("mrpc", "train"): (3, 4, 0),
        ("sts-b", "train"): (7, 8, -1),
        ("sts-b", "test"): (7, 8, None),
        ("qqp", "train"): (3, 4, 5),
        ("qqp", "test"): (1, 2, None),
        ("mnli", "train"): (8, 9, -1),
        ("mnli", "dev"): (8, 9, -1),
        ("qnli", "train"): (1, 2, -1),
        ("rte", "dev"): (1, 2, -1),
        ("wnli", "train"): (1, 2, -1),
        ("ax", "test"): (1, 2, None),
    }
    for (name, split), (text, pair, label) in places.items():
        header = FILES[name, split][0] or list(GLUE[name].bare_columns)
        assert header[text] == GLUE[name].text
        assert pair is None or header[pair] == GLUE[name].pair
        assert label is None or header[label] == GLUE[name].label


def test_a_file_may_lie_in_the_folder_itself(tmp_path):
    write(tmp_path, "rte", "dev")
    assert read_glue("rte", tmp_path / "RTE", "dev") == read_glue("rte", tmp_path, "dev")


@pytest.mark.parametrize("more", [{"end": "\r\n"}, {"start": "\ufeff"}])
def test_carriage_returns_and_a_byte_order_mark_are_no_text(tmp_path, more):
    write(tmp_path, "sst-2", "dev", **more)
    write(tmp_path / "plain", "sst-2", "dev")
    assert read_glue("sst-2", tmp_path, "dev") == read_glue("sst-2", tmp_path / "plain", "dev")


def test_carriage_returns_alone_are_no_line_ends(tmp_path):
    write(tmp_path, "sst-2", "dev", end="\r")
    with pytest.raises(DataError, match="line 1: the lines end with carriage returns alone"):
        read_glue("sst-2", tmp_path, "dev")


def test_a_quote_is_a_character_like_any_other(tmp_path):
    path = write(tmp_path, "sst-2", "dev", '"never closed\t1', 'a "b" c\t0', "")
    texts = [example.text for example in read_glue("sst-2", tmp_path, "dev").examples]
    assert texts[2:] == ['"never closed', 'a "b" c']
    assert read_glue_file(GLUE["sst-2"], path, labelled=True).skipped == 0


BAD_ROWS = [
    ("sst-2", "dev", "only a text", "1 field where there are 2: sentence, label"),
    ("sst-2", "dev", "a\tb\t1", "3 fields where there are 2"),
    ("sst-2", "dev", " \t1", 'no text in column "sentence"'),
    ("sst-2", "dev", "cold\tbad", '"bad" in column "label" is no label: known: 0, 1'),
    ("sst-2", "dev", "cold\t", '"" in column "label" is no label'),
    ("rte", "dev", "2\tIt rained.\tWet.\tentailmnt", 'did you mean "entailment"'),
    ("rte", "dev", "2\t\t\tentailment", 'no text in column "sentence1"'),
    ("cola", "train", "gj04\t1\tThe heron left.", "3 fields where there are 4"),
    ("cola", "train", "source\tlabel\tmark\tsentence", '"label" in column "label" is no label'),
    ("sts-b", "train", "\t".join("123456789") + "\thigh", '"high" in column "score" is not a num'),
    ("sts-b", "train", "\t".join("123456789") + "\t5.2", "5.2 .* is not between 0 and 5"),
    ("sts-b", "train", "\t".join("123456789") + "\tnan", "nan .* is not between 0 and 5"),
    ("qqp", "train", "5\t1\t2\tIs it?\tIs it not?\tyes", '"yes" in column "is_duplicate"'),
    ("qqp", "train", "5\t1\t2\tIs\tit?\tIs it not?\t1", "7 fields where there are 6"),
    ("wnli", "test", "2\tIt fell.", "2 fields where there are 3"),
]


@pytest.mark.parametrize(("name", "split", "row", "message"), BAD_ROWS)
def test_a_bad_row_is_named_by_its_line_or_left_out(tmp_path, name, split, row, message):
    path = write(tmp_path, name, split, row)
    line = 3 if FILES[name, split][0] is None else 4
    with pytest.raises(DataError, match=message) as raised:
        read_glue(name, tmp_path, split)
    assert str(raised.value).startswith(f"{path}, line {line}: ")
    assert str(raised.value).endswith(": mend it, or go on without (--skip-bad)")
    loaded = read_glue(name, tmp_path, split, skip_bad=True)
    assert len(loaded.examples) == 2
    assert loaded.skipped == 1
    assert loaded.remark.startswith(f"1 of 3 rows left out, the first being {path}, line {line}: ")


def test_all_bad_rows_are_counted_with_the_first(tmp_path):
    rows = [f"text {i}" + ("\t1" if i % 4 else "") for i in range(40)]
    path = write(tmp_path, "sst-2", "dev", *rows)
    with pytest.raises(DataError, match="; 10 rows are bad in all: mend them, or") as raised:
        read_glue("sst-2", tmp_path, "dev")
    assert f"{path}, line 4: 1 field " in str(raised.value)
    assert read_glue("sst-2", tmp_path, "dev", skip_bad=True).skipped == 10


def test_rows_of_qqp_that_break_off_are_left_out_as_in_the_original(tmp_path):
    write(tmp_path, "qqp", "train", "135\t5\t6\tIs it", "cold?\tIs it chilly?\t1")
    loaded = read_glue("qqp", tmp_path, "train")
    assert (len(loaded.examples), loaded.skipped) == (2, 2)
    assert "QQP/train.tsv, line 4: 4 fields where there are 6" in loaded.remark
    write(tmp_path, "qqp", "test", "2\tIs it")
    with pytest.raises(DataError, match=r"test\.tsv, line 4: 2 fields"):
        read_glue("qqp", tmp_path, "test")


def test_a_bad_row_beside_broken_ones_still_stops(tmp_path):
    write(tmp_path, "qqp", "train", "135\t5", "5\t1\t2\tIs it?\tIs it not?\tyes")
    with pytest.raises(DataError, match=r"line 5: \"yes\""):
        read_glue("qqp", tmp_path, "train")
    assert read_glue("qqp", tmp_path, "train", skip_bad=True).skipped == 2


def test_the_wrong_folder_is_named_with_what_it_holds(tmp_path):
    write(tmp_path, "sst-2", "dev")
    with pytest.raises(DataError, match=r"holds neither RTE/train.tsv nor train.tsv: .* SST-2"):
        read_glue("rte", tmp_path)
    with pytest.raises(DataError, match=r"SST-2 has no train.tsv: it contains dev.tsv"):
        read_glue("sst-2", tmp_path)
    with pytest.raises(DataError, match="is not a folder: name the one that holds RTE/train"):
        read_glue("rte", tmp_path / "nowhere")
    message = r'no column "sentence1"; its columns are: sentence, label: is it RTE\'s train or dev'
    with pytest.raises(DataError, match=message):
        read_glue("rte", tmp_path / "SST-2", "dev")


def test_a_missing_header_is_noticed(tmp_path):
    path = write(tmp_path, "rte", "dev")
    path.write_text("\n".join(path.read_text("utf-8").splitlines()[1:]), "utf-8")
    with pytest.raises(DataError, match=r'no column "sentence1"; .* with its header in line 1'):
        read_glue("rte", tmp_path, "dev")


def test_a_file_without_rows_is_refused(tmp_path):
    path = write(tmp_path, "rte", "dev")
    path.write_text("\t".join([*PAIR, "label"]) + "\n", "utf-8")
    with pytest.raises(DataError, match="has no rows that can be used"):
        read_glue("rte", tmp_path, "dev")
    path.write_text("", "utf-8")
    with pytest.raises(DataError, match="is empty: a header line and rows are expected"):
        read_glue("rte", tmp_path, "dev")
    path.write_text("index\tsentence1\tsentence2\tlabel\nonly\n", "utf-8")
    with pytest.raises(DataError, match=r"no rows that can be used; the first fault is .*line 2"):
        read_glue("rte", tmp_path, "dev", skip_bad=True)


def test_an_unknown_split_names_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match='mnli has no split "dev_matched": did you mean'):
        read_glue("mnli", tmp_path, "dev_matched")
    with pytest.raises(ConfigError, match='ax has no split "train": known: test'):
        read_glue("ax", tmp_path)


def test_a_score_is_a_number():
    assert GlueExample("a", "b", "3.25", 2).score == 3.25


def test_the_files_beside_the_project_are_read_whole(shared):
    rows = {"cola": 8551, "sst-2": 67349, "mrpc": 3668, "sts-b": 5749, "rte": 2490, "wnli": 635}
    for name, count in rows.items():
        assert len(read_glue(name, shared / "data/glue").examples) == count
    assert len(read_glue("qnli", shared / "data/glue", "dev").examples) == 5463
    labelled = shared / "data/glue/MRPC/test_labelled.tsv"
    assert len(read_glue_file(glue_task("mrpc"), labelled, labelled=True).examples) == 1725
