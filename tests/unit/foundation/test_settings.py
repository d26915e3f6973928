"""Settings are strict, layered, and can be made optional for a command line."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import (
    Settings,
    describe,
    differences,
    given,
    layered,
    load_recipe,
    merge,
    optional,
)


class Inner(Settings):
    size: int = Field(3, ge=1)
    """How large."""


class Outer(Settings):
    inner: Inner = Inner()
    name: str = "x"


class Either(Settings):
    replaced_whole = True

    here: int | None = None
    there: int | None = None


class Trip(Settings):
    either: Either = Either()
    inner: Inner = Inner()


def test_a_section_of_alternatives_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[either]\nhere = 1\n")
    assert layered(Trip, path, {"either": {"there": 2}}).either == Either(there=2)
    assert layered(Trip, path, {"either": {}}, {"either": {"there": 3}}).either == Either(here=1)
    assert layered(Trip, path, {}).either == Either(here=1)


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r'here: unknown key "inner.sise", did you mean "size"'):
        Outer.parse({"inner": {"sise": 3}}, "here")
    with pytest.raises(ConfigError, match='unknown key "zebra", known: inner, name'):
        Outer.parse({"zebra": 3})


def test_a_wrong_value_is_named_and_shown() -> None:
    with pytest.raises(ConfigError, match=r"inner.size: .*greater than or equal to 1 \(given: 0\)"):
        Outer.parse({"inner": {"size": 0}})
    with pytest.raises(ValidationError, match="frozen"):
        Outer().name = "y"


def test_values_that_contradict_each_other_have_no_name() -> None:
    with pytest.raises(ConfigError, match=r"^here: hidden_size 33 is not a multiple of"):
        EncoderConfig.parse({"hidden_size": 33, "num_attention_heads": 4}, "here")


def test_layers_replace_key_by_key() -> None:
    merged = merge({"inner": {"size": 1}, "name": "a"}, {"inner": {}}, {"name": "b"})
    assert merged == {"inner": {"size": 1}, "name": "b"}
    assert differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}}) == ["a.b: 1 → 3", "c: 2 → None"]


def test_optional_settings_hold_only_what_was_given() -> None:
    assert given(optional(Outer)()) == {}
    asked = optional(Outer).model_validate({"inner": {"size": 7}})
    assert given(asked) == {"inner": {"size": 7}}
    assert given(None) == {}
    with pytest.raises(ValidationError) as caught:
        optional(Outer).model_validate({"inner": {"size": 0}})
    assert "greater than or equal" in describe(caught.value, Outer)
    assert optional(Inner).model_fields["size"].description == "How large. [default: 3]"


def test_recipes_are_toml(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[inner]\nsize = 4\n")
    assert Outer.parse(load_recipe(path)).inner.size == 4
    path.write_text("[inner\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_recipe(path)
    with pytest.raises(ConfigError, match="does not exist"):
        load_recipe(tmp_path / "none.toml")


def test_a_recipe_is_to_blame_for_its_own_mistakes_alone(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text("[inner]\nsize = 4\n")
    assert layered(Outer, path, {"inner": {}, "name": "y"}).inner.size == 4
    with pytest.raises(ConfigError, match=r"^settings: inner\.size"):
        layered(Outer, path, {"inner": {"size": 0}})
    path.write_text("inner = 3\n")
    with pytest.raises(ConfigError, match=r"recipe\.toml: inner"):
        layered(Outer, path, {"inner": {}})
