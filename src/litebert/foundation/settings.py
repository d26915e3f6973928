"""Settings as frozen, strict models: defaults, then a recipe file, then the command line.

Each component declares its own settings beside its code; the root settings of a command only
compose them. Field descriptions are the help text of the command line.
"""

import tomllib
from collections.abc import Mapping
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from litebert.foundation.errors import ConfigError, nearest

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of every settings model: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    replaced_whole: ClassVar[bool] = False
    """As a section: what gives any of its fields replaces all that was given below (`layered`)."""

    @classmethod
    def parse(cls, values: Mapping[str, Any], where: str = "settings") -> Self:
        """Check `values` and build the model.

        Raises ConfigError that names the place, the field and, for an unknown one, the nearest.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(f"{where}: {describe(error, cls)}") from None

    def changed(self, **values: Any) -> Self:
        """A copy with some fields replaced, checked again."""
        return type(self).parse({**self.model_dump(), **values})


@cache
def optional(model: type[Settings]) -> type[Settings]:
    """The same settings with every field optional and None by default, nested ones too.

    This is what a command line or a recipe may give; `given` reads off what it did.
    """
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            kind = optional(kind)
        blank = copy(field)
        blank.default = None
        if field.default is not None and isinstance(field.default, str | int | float):
            blank.description = f"{field.description} [default: {field.default}]"
        fields[name] = (kind | None, blank)
    return create_model(f"Optional{model.__name__}", __base__=Settings, **fields)


def given(settings: Settings | None) -> dict[str, Any]:
    """The values that were set in settings made by `optional`, as a nested mapping."""
    return {} if settings is None else settings.model_dump(exclude_none=True)


def load_recipe(path: Path) -> dict[str, Any]:
    """Read a TOML recipe: a file, or one of those that come with litebert by its name.

    Raises ConfigError when it is missing or malformed.
    """
    try:
        with open(path if path.is_file() else _recipe_of_ours(path), "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"recipe {path} is not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"recipe {path} cannot be read: {error.strerror}") from None


def _recipe_of_ours(path: Path) -> Path:
    """The recipe of this name in the package, or in the checkout that it runs from."""
    package = Path(__file__).parents[1]
    folders = (package / "recipes", package.parents[1] / "recipes")
    found = {file.stem: file for folder in folders for file in sorted(folder.glob("*.toml"))}
    named = path.name.removesuffix(".toml")
    if named in found and path.parent in (Path(), Path("recipes")):
        return found[named]
    raise ConfigError(f"recipe {path} does not exist: {nearest(named, found)}")


def layered(
    model: type[S],
    file: Path | None,
    asked: Mapping[str, Any],
    base: Mapping[str, Any] | None = None,
) -> S:
    """Settings in order: defaults, then `base`, then the recipe `file`, then what was `asked`.

    Raises ConfigError that names the file, or the field.
    """
    below = dict(base or {})
    if file is not None:
        below = _over(model, below, load_recipe(file))
        model.parse(below, str(file))  # what is wrong with the file is not what was asked
    return model.parse(_over(model, below, asked))


def _over(
    model: type[Settings], below: Mapping[str, Any], above: Mapping[str, Any]
) -> dict[str, Any]:
    """One layer over another, sections that contradict each other's fields replaced whole."""
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    whole = {
        name
        for name, kind in kinds.items()
        if isinstance(kind, type) and issubclass(kind, Settings) and kind.replaced_whole
    }
    kept = {key: value for key, value in below.items() if key not in whole or not above.get(key)}
    return merge(kept, above)


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay nested mappings over each other: a later value replaces an earlier one, key by key."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            old = result.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            result[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What changed between two nested mappings, as 'section.key: old → new' lines."""
    lines: list[str] = []
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before} → {after}")
    return lines


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """The first problem pydantic found, in one line that says how to mend it."""
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        return f'unknown key "{name}", {nearest(path[-1], known)}'
    message = problem["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    given = problem.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float | bool) else ""
    return f"{name}: {message}{shown}" if name else message  # of the settings as a whole


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The field names of the nested model that `path` leads to."""
    for part in path:
        field = model.model_fields.get(part)
        nested = field.annotation if field is not None else None
        if not (isinstance(nested, type) and issubclass(nested, BaseModel)):
            return []
        model = nested
    return list(model.model_fields)
