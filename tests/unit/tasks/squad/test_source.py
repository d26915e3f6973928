from pathlib import Path

import pytest

from fakes import tiny_config
from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.tasks.squad.source import SQUAD, NamedSquad, SquadSource
from questions import squad_content, squad_folder, write_squad
from small_models import small_tokenizer

V1, V2 = SQUAD


def loaded(source: SquadSource, positions: int = 32, **sections: dict[str, object]) -> TaskData:
    settings = FinetuneSettings.parse(sections)
    return source.load(settings, tiny_config(max_position_embeddings=positions), small_tokenizer())


def test_a_folder_has_both_official_files(tmp_path):
    folder = squad_folder(tmp_path / "data", "2.0")
    data = loaded(SquadSource(V2, folder))
    assert (len(data.training), len(data.validation)) == (24, 24)
    assert [path.name for path in data.files] == ["train-v2.0.json", "dev-v2.0.json"]
    assert data.kind == "answerable_span"
    assert data.fields["threshold_rule"] == "held_out"


def test_the_presets_steps_are_the_originals_for_any_number_of_questions():
    official = {V1: 87_599, V2: 130_319}
    for task, questions in official.items():
        assert task.fitted_preset(questions) == task.preset
    assert V1.fitted_preset(480).steps == 20
    assert V1.fitted_preset(3).steps == 1


@pytest.mark.parametrize(
    ("positions", "length", "expected"),
    [(512, None, (384, 128, 64)), (512, 192, (384, 64, 64)), (96, None, (96, 32, 32))],
)
def test_lengths_are_the_originals_or_fitted_to_a_small_model(
    tmp_path, positions, length, expected
):
    folder = squad_folder(tmp_path / "data")
    data = loaded(SquadSource(V1, folder), positions, course={"max_length": length})
    fields = data.fields
    assert (data.max_length, fields["doc_stride"], fields["max_query_length"]) == expected
    data = loaded(SquadSource(V1, folder), positions, squad={"doc_stride": 5})
    assert data.fields["doc_stride"] == 5


def test_without_questions_to_validate_on_whole_articles_are_held_back(tmp_path):
    path = write_squad(tmp_path / "own.json", squad_content(articles=5))
    data = loaded(SquadSource(V1, path), table={"validation_fraction": 0.4})
    train, held = ({q.title for q in part} for part in (data.training, data.validation))
    assert len(held) == 2
    assert not train & held
    assert len(data.training) + len(data.validation) == 30


def test_every_seed_is_validated_on_the_same_articles_where_asked(tmp_path):
    source = SquadSource(V1, write_squad(tmp_path / "own.json", squad_content(articles=9)))
    one, other = (
        loaded(source, table={"split_seed": 4}, training={"seed": seed}) for seed in (1, 2)
    )
    assert one.validation == other.validation


def test_a_single_article_is_split_by_its_contexts_and_a_single_context_not_at_all(tmp_path):
    content = squad_content(articles=4)
    whole = [p for article in content["data"] for p in article["paragraphs"]]
    path = write_squad(tmp_path / "own.json", {"data": [{"title": "One", "paragraphs": whole}]})
    data = loaded(SquadSource(V1, path))
    assert not {q.context for q in data.training} & {q.context for q in data.validation}
    write_squad(path, squad_content(articles=1))
    with pytest.raises(DataError, match=r"own.json has a single context.*--validation"):
        loaded(SquadSource(V1, path))


def test_a_file_to_validate_on_is_taken(tmp_path):
    train = write_squad(tmp_path / "train.json", squad_content(3))
    dev = write_squad(tmp_path / "dev.json", squad_content(2))
    data = loaded(SquadSource(V1, train, dev))
    assert (len(data.training), len(data.validation)) == (18, 12)
    assert data.files == [train, dev]


def test_a_wrong_folder_is_named_with_what_it_has(tmp_path):
    folder = squad_folder(tmp_path / "data", "2.0")
    with pytest.raises(DataError, match=r"no train-v1.1.json: it has dev-v2.0.json, train-v2.0"):
        loaded(SquadSource(V1, folder))
    with pytest.raises(ConfigError, match='no split "test"'):
        V1.file(folder, "test")


def test_a_file_of_2_0_is_no_file_of_1_1(tmp_path):
    path = write_squad(tmp_path / "own.json", squad_content(impossible=True))
    with pytest.raises(DataError, match=r'"Article 0".*question 2 .*as in SQuAD 2.0'):
        loaded(SquadSource(V1, path))
    data = loaded(SquadSource(V1, path), course={"skip_bad": True})
    assert len(data.training) + len(data.validation) == 12
    assert len(data.remarks) == 1


def test_questions_that_all_have_answers_leave_no_threshold_to_learn(tmp_path):
    path = write_squad(tmp_path / "own.json", squad_content())
    remarks = loaded(SquadSource(V2, path)).remarks
    assert remarks == ["no validation question is without an answer: the threshold means little"]


def bad(path: Path, change: str) -> Path:
    content = squad_content()
    if change == "answer":
        content["data"][1]["paragraphs"][0]["qas"][2]["answers"][0]["text"] = "nowhere"
    else:
        content["data"][1]["paragraphs"][0]["qas"] = []
    return write_squad(path, content)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            "answer",
            r'article 2 \("Article 1"\), paragraph 1, question 3 \("a1q2"\): the answer "nowh',
        ),
        ("questions", r'article 2 \("Article 1"\), paragraph 1: "qas" is empty'),
    ],
)
def test_bad_questions_are_named_by_article_and_question(tmp_path, change, problem):
    path = bad(tmp_path / "own.json", change)
    with pytest.raises(DataError, match=problem):
        loaded(SquadSource(V1, path))
    data = loaded(SquadSource(V1, path), course={"skip_bad": True})
    assert len(data.training) + len(data.validation) in (23, 18)
    assert len(data.remarks) == 1


def test_xquad_is_read_as_squad_1_1(shared):
    for path in sorted((shared / "data/xquad").glob("*.json")):
        examples = V1.read(path, skip_bad=False).examples
        assert len(examples) >= 1000


def test_the_name_gives_the_source():
    named = NamedSquad(V1)
    assert named.source(Path("data"), Path("dev")) == SquadSource(V1, Path("data"), Path("dev"))
