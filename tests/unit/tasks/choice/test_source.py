from fakes import tiny_config
from litebert.tasks.choice.source import QuestionTable
from litebert.tasks.settings import FinetuneSettings
from small_models import small_tokenizer
from small_questions import questions, write_questions


def test_every_seed_is_validated_on_the_same_articles_where_asked(tmp_path):
    source = QuestionTable(write_questions(tmp_path / "q.jsonl", questions(60)))

    def held(seed: int, split_seed: int | None) -> list[str]:
        table = {"kind": "choice", "split_seed": split_seed}
        settings = FinetuneSettings.parse({"table": table, "training": {"seed": seed}})
        data = source.load(settings, tiny_config(), small_tokenizer())
        return [example.article for example in data.validation]

    assert held(1, 4) == held(2, 4)
    assert held(1, None) != held(2, None)
