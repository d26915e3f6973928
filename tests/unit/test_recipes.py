"""Every recipe is what it says: settings that parse, a model that builds, commands that exist."""

import re
import shlex
from pathlib import Path

import pytest
import torch

from litebert.cli.main import app
from litebert.encoder.config import PRESETS
from litebert.encoder.models import PretrainingModel
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import layered, load_recipe
from litebert.optim import learning_rate_at
from litebert.pretraining.plan import published_rate
from litebert.pretraining.settings import PretrainingSettings

FOLDER = Path(__file__).resolve().parents[2] / "recipes"
RECIPES = sorted(FOLDER.glob("*.toml"))
STEPS = {  # as published
    **{f"albert-{size}-v1": 125_000 for size in ("base", "large", "xlarge")},
    **{f"albert-{size}-v2": 3_000_000 for size in ("large", "xlarge", "xxlarge")},
    "albert-xxlarge-v1": 1_500_000,
    "albert-base-v2": 10_000_000,
}
every_recipe = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
published = pytest.mark.parametrize("name", STEPS)


def settings_of(path: Path) -> PretrainingSettings:
    return layered(PretrainingSettings, path, {})


@every_recipe
def test_it_parses_and_its_model_builds(path: Path) -> None:
    settings = settings_of(path)
    config = settings.model.resolve(vocab_size=30_000)
    assert settings.data.max_length <= config.max_position_embeddings
    with torch.device("meta"):
        model = PretrainingModel(config)
    assert sum(p.numel() for p in model.parameters()) > 1_000_000
    steps = settings.budget.steps or 10_000
    assert learning_rate_at(settings.schedule, steps // 2, steps) > 0
    assert settings.training.batch_size % (settings.training.micro_batch_size or 1) == 0


@every_recipe
def test_it_opens_with_what_it_costs_and_gives_and_its_commands(path: Path) -> None:
    head = path.read_text("utf-8").partition("\n[")[0]
    for word in ("Costs", "Gives", "Hardware", "Data"):
        assert re.search(rf"^# {word}  ", head, re.MULTILINE), word
    commands = re.findall(r"^#   litebert (.*)$", head, re.MULTILINE)
    assert any(f"pretrain corpus --output run --settings {path.stem}" in c for c in commands)
    for command in commands:
        app.parse_args(shlex.split(command), exit_on_error=False, print_error=False)


def test_every_albert_preset_has_a_recipe() -> None:
    assert set(STEPS) == {name for name in PRESETS if name.startswith("albert-")}
    assert set(STEPS) < {path.stem for path in RECIPES}


@published
def test_the_published_ones_have_the_published_figures(name: str) -> None:
    settings = settings_of(Path(name))
    assert settings.model.preset == name
    assert settings.budget.steps == STEPS[name]
    assert (settings.training.batch_size, settings.data.max_length) == (4096, 512)
    assert (settings.optimizer.optimizer, settings.optimizer.weight_decay) == ("lamb", 0.01)
    assert (settings.schedule.learning_rate, settings.schedule.warmup) == (0.00176, 3125)
    assert settings.schedule.schedule == "original"
    assert (settings.data.short_fraction, settings.data.ngram) == (0.1, 3)
    dropout = settings.model.resolve(30_000).hidden_dropout_prob
    assert dropout == (0.1 if name.endswith("v1") and "xxlarge" not in name else 0.0)


def test_lambs_rate_follows_the_root_of_the_batch() -> None:
    assert published_rate(4096) == 0.00176
    assert published_rate(1024) == pytest.approx(0.00088)
    assert settings_of(Path("gpu-day")).schedule.learning_rate == pytest.approx(
        published_rate(1024)
    )


def test_recipes_are_found_by_name_by_file_and_before_them_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours = load_recipe(FOLDER / "cpu-hour.toml")
    for given in ("cpu-hour", "cpu-hour.toml", "recipes/cpu-hour.toml"):
        assert load_recipe(Path(given)) == ours
    (tmp_path / "cpu-hour.toml").write_text("[budget]\nsteps = 7\n")
    assert load_recipe(Path("cpu-hour.toml")) == {"budget": {"steps": 7}}
    (tmp_path / "cpu-hour").mkdir()  # a folder of that name is no recipe
    assert load_recipe(Path("cpu-hour")) == ours


@pytest.mark.parametrize(
    ("given", "words"), [("cpu-our", '"cpu-hour"'), ("mine/cpu-hour.toml", "does not exist")]
)
def test_an_unknown_recipe_names_the_nearest(given: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_recipe(Path(given))
