"""`albert_config.json` and `bert_config.json`: Google's configurations, read and written.

Their "gelu" is the tanh approximation. What they have no word for, as which copies of parameters to
tie again, stands in a `litebert` object, which Google's code passes over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import HEADS, Head
from litebert.foundation.errors import ConfigError, ModelFolderError, nearest
from litebert.foundation.files import read_json
from litebert.weights.configuration import read_configuration, unread_keys
from litebert.weights.google_names import google_name
from litebert.weights.names import Family
from litebert.weights.stored import Shape

CONFIG_FILES: dict[Family, str] = {"albert": "albert_config.json", "bert": "bert_config.json"}
_FIELDS: dict[Family, tuple[str, ...]] = {
    "albert": (
        *("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers"),
        *("num_hidden_groups", "inner_group_num", "num_attention_heads", "intermediate_size"),
        *("hidden_act", "hidden_dropout_prob", "attention_probs_dropout_prob"),
        *("max_position_embeddings", "type_vocab_size", "initializer_range"),
    ),
    "bert": (
        *("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
        *("intermediate_size", "hidden_act", "hidden_dropout_prob"),
        *("attention_probs_dropout_prob", "max_position_embeddings", "type_vocab_size"),
        "initializer_range",
    ),
}
# What nothing reads, though the published files have it and one script wants it to be there.
_LEFTOVERS: dict[Family, dict[str, Any]] = {
    "albert": {
        "down_scale_factor": 1,
        "gap_size": 0,
        "net_structure_type": 0,
        "num_memory_blocks": 0,
    },
    "bert": {},
}
_GELU = {"gelu": "gelu_new"}  # Google's word → transformers' word for the same function
_ABOUT_HEADS = ("head", "pooler")


@dataclass(frozen=True)
class GoogleConfig:
    """What a configuration says of a checkpoint."""

    config: EncoderConfig
    groups: int
    """In how many groups the layers are stored; BERT's layers are L."""
    where: str
    ignored: tuple[str, ...] = ()
    """Keys that mean nothing here."""
    head: Head | None = None
    """The head, where it says so."""
    pooler: bool = True
    """Whether there is a pooler."""


def read_google_config(path: Path, family: Family) -> GoogleConfig:
    """The configuration in a file, of a checkpoint whose names are of `family`.

    Raises ModelFolderError where it is missing, malformed, or a model that the encoder is not.
    """
    values = read_json(path, ModelFolderError)
    if not isinstance(values, dict):
        raise ModelFolderError(f"{path} holds no JSON object: it is not a model's configuration")
    given = dict(values)
    said = given.get("litebert", {})
    if not isinstance(said, dict):
        raise ModelFolderError(f'{path}: "litebert" must be an object')
    head = said.get("head")
    if head is not None and head not in [*HEADS]:
        raise ModelFolderError(f"{path}: litebert, head {head!r} is none of {', '.join(HEADS)}")
    if "model_type" not in given:  # else it is Hugging Face's, with their words
        activation = given.get("hidden_act", "gelu")
        activation = str(activation or "linear").lower()
        given["hidden_act"] = _GELU.get(activation, activation)
    given["model_type"] = family
    kept = {key: value for key, value in said.items() if key not in _ABOUT_HEADS}
    given["litebert"] = kept or {"sharing": "all" if family == "albert" else "none"}
    groups = given.get("num_hidden_groups", 1)
    if "num_hidden_groups" in kept:  # those that are meant; the others are those that are stored
        given["num_hidden_groups"] = 1
    config = read_configuration(given, str(path))
    if family == "bert":
        groups = config.num_hidden_layers
    elif not isinstance(groups, int) or groups < 1:
        raise ModelFolderError(f"{path}: num_hidden_groups {groups!r} is no number of groups")
    ignored = tuple(unread_keys(values, family))
    return GoogleConfig(config, groups, str(path), ignored, head, said.get("pooler", True) is True)


def preset_config(name: str, family: Family) -> GoogleConfig:
    """A published configuration by its name. Raises ConfigError for an unknown or another's."""
    if name not in PRESETS:
        raise ConfigError(
            f'"{name}" is neither a configuration file nor a preset, {nearest(name, PRESETS)}'
        )
    config = EncoderConfig.preset(name)
    if config.family != family:
        raise ConfigError(f"preset {name} is {config.family.upper()}, the checkpoint is not")
    return GoogleConfig(config, stored_groups(config), f"preset {name}")


def google_configuration(config: EncoderConfig, head: Head, pooler: bool) -> dict[str, Any]:
    """The content of the configuration file for an encoder with a head, with or without pooler."""
    family = config.family
    values = {key: getattr(config, key) for key in _FIELDS[family]} | _LEFTOVERS[family]
    if family == "albert":
        values["num_hidden_groups"] = stored_groups(config)
    said: dict[str, Any] = {
        "sharing": config.sharing,
        "num_hidden_groups": config.num_hidden_groups,
    }
    if config.hidden_act == "gelu_erf":
        values["hidden_act"] = "gelu"
    for key in ("hidden_act", "classifier_dropout_prob", "layer_norm_eps"):
        default = EncoderConfig.model_fields[key].default
        if values.get(key, default) != (own_value := getattr(config, key)):
            said[key] = own_value
    return {**dict(sorted(values.items())), "litebert": said | _about(head, pooler)}


def stored_groups(config: EncoderConfig) -> int:
    """In how many groups Google's files hold the layers.

    Google's rule puts depth l into group int(l / L * G). Where the depths do not share whole layers
    each needs a group of its own; rounding leaves L too few for some L, but not 2 L.
    """
    L = config.num_hidden_layers
    if config.family == "bert":
        return L
    if config.sharing == "all":
        return config.num_hidden_groups
    return L if len({int(depth / L * L) for depth in range(L)}) == L else 2 * L


def google_sets(encoder: Encoder, groups: int, where: str) -> list[dict[str, int]]:
    """For each stored group the sets of ours that it holds; a set -1 for a group of no depth.

    Raises ModelFolderError where depths that differ would lie in one group.
    """
    config = encoder.config
    L = config.num_hidden_layers
    by_depth = config.family == "bert"
    sets = [{"attention": -1, "ffn": -1} for _ in range(groups)]
    for depth in range(L):
        group = depth if by_depth else int(depth / L * groups)
        own = {"attention": encoder.attention_set(depth), "ffn": encoder.ffn_set(depth)}
        if sets[group]["ffn"] >= 0 and sets[group] != own:
            raise ModelFolderError(
                f"{where}: {groups} groups cannot hold what {L} layers do not share"
            )
        sets[group] = own
    return sets


def fitting_presets(shapes: Mapping[str, Shape], family: Family) -> list[str]:
    """The presets whose tensors have the shapes of a checkpoint, by Google's names."""
    return [name for name in PRESETS if _fits(EncoderConfig.preset(name), shapes, family)]


def _fits(config: EncoderConfig, shapes: Mapping[str, Shape], family: Family) -> bool:
    E, H, F = config.embedding_size, config.hidden_size, config.intermediate_size
    last = config.num_hidden_layers - 1 if family == "bert" else config.num_hidden_groups - 1
    expected = {
        "encoder.embeddings.word.weight": (config.vocab_size, E),
        "encoder.embeddings.position.weight": (config.max_position_embeddings, E),
        "encoder.embeddings.token_type.weight": (config.type_vocab_size, E),
        f"encoder.ffn.{last}.0.intermediate.weight": (H, F),
    }
    beyond = google_name(f"encoder.ffn.{last + 1}.0.norm.bias", family)
    found = {ours: shapes.get(google_name(ours, family)) for ours in expected}
    return config.family == family and found == expected and beyond not in shapes


def _about(head: Head, pooler: bool) -> dict[str, Any]:
    """What the names of the variables do not tell about head and pooler."""
    told: Sequence[Head] = ("pretraining", "classification", "span", "answerable_span")
    said: dict[str, Any] = {} if head in told else {"head": head}
    return said if pooler else {**said, "pooler": False}
