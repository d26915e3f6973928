"""The form in which a model is stored, so that transformers can run it.

transformers knows one kind of sharing: groups of whole layers, depth l in group int(l / (L / G)).
Every other kind is stored as L groups, one a depth, that hold equal copies; loading checks that
they are equal and ties them again. ALBERT's E → H projection, which we leave out where E = H, is
stored as the identity.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.weights.names import Family, hugging_face_name, parameter_set, tied_decoder

Shape = tuple[int, ...]
NameOf = Callable[[str, Family, int | None], str]
"""Our parameter, the family, the number of the stored set (None: its own) → the foreign name."""


@dataclass(frozen=True)
class StoredForm:
    """What a file of a model holds, by the names of the file's format."""

    parameters: dict[str, str]
    """Each name with the parameter of ours that it holds; several may hold one."""
    shapes: dict[str, Shape]
    """The shape of each of them, as it is in the file."""
    identity: dict[str, Shape] = field(default_factory=dict)
    """The projection that stands for none."""
    tied: dict[str, str] = field(default_factory=dict)
    """Copies that a file may hold, each with the name it must be equal to."""
    transposed: frozenset[str] = frozenset()
    """Names under which the file holds our matrix transposed."""


def stored_form(model: nn.Module, encoder: Encoder) -> StoredForm:
    """The form in Hugging Face's files, of an encoder alone (`model` is `encoder`) or with heads.

    An encoder alone has Hugging Face's names without their "albert." or "bert." in front.
    """
    family = encoder.config.family
    form = named_form(model, encoder, stored_sets(encoder), hugging_face_name)
    tied = tied_decoder(family) if "masked_lm.bias" in form.parameters.values() else {}
    form = StoredForm(form.parameters, form.shapes, _identity_shapes(encoder.config), tied)
    return _without_prefix(form, f"{family}.") if model is encoder else form


def named_form(
    model: nn.Module,
    encoder: Encoder,
    sets: list[dict[str, int]],
    name_of: NameOf,
    is_transposed: Callable[[str], bool] = lambda ours: False,
) -> StoredForm:
    """The form in a format whose names `name_of` gives, the layers stored as `sets`.

    `is_transposed` says of our parameters which the format holds transposed.
    """
    parameters: dict[str, str] = {}
    shapes: dict[str, Shape] = {}
    transposed: set[str] = set()
    for name, tensor in model.state_dict().items():
        ours = f"encoder.{name}" if model is encoder else name
        turned = is_transposed(ours)
        for stored in _stored_names(ours, encoder.config.family, sets, name_of):
            parameters[stored] = name
            shapes[stored] = tuple(reversed(tensor.shape) if turned else tensor.shape)
            if turned:
                transposed.add(stored)
    return StoredForm(parameters, shapes, transposed=frozenset(transposed))


def stored_sets(encoder: Encoder) -> list[dict[str, int]]:
    """For each group in transformers' sense the sets of ours it holds, by "attention" and "ffn"."""
    config = encoder.config
    if config.sharing == "all" and groups_as_transformers(config):
        return whole_groups(config)
    return sets_by_depth(encoder)


def whole_groups(config: EncoderConfig) -> list[dict[str, int]]:
    """A stored group for each of our groups, where whole layers are shared."""
    return [{"attention": g, "ffn": g} for g in range(config.num_hidden_groups)]


def sets_by_depth(encoder: Encoder) -> list[dict[str, int]]:
    """A stored group for each depth, holding copies of what the depths share."""
    config = encoder.config
    return [
        {"attention": encoder.attention_set(depth), "ffn": encoder.ffn_set(depth)}
        for depth in range(config.num_hidden_layers)
    ]


def groups_as_transformers(config: EncoderConfig) -> bool:
    """Whether transformers, which divides in another order, gives each depth the same group."""
    L, G = config.num_hidden_layers, config.num_hidden_groups
    return all(config.group(depth) == int(depth / (L / G)) for depth in range(L))


def identity(shape: Shape) -> Tensor:
    """The weight (H, H) or the bias (H,) of a projection that changes nothing."""
    return torch.eye(shape[0]) if len(shape) == 2 else torch.zeros(shape)


def _stored_names(
    ours: str, family: Family, sets: list[dict[str, int]], name_of: NameOf
) -> list[str]:
    """The names that hold one parameter: one, or as many as there are copies of its set."""
    placed = parameter_set(ours)
    if placed is None:
        return [name_of(ours, family, None)]
    half, number = placed
    return [
        name_of(ours, family, stored) for stored, used in enumerate(sets) if used[half] == number
    ]


def _identity_shapes(config: EncoderConfig) -> dict[str, Shape]:
    E, H = config.embedding_size, config.hidden_size
    if config.family != "albert" or E != H:
        return {}
    shapes = {"encoder.projection.weight": (H, E), "encoder.projection.bias": (H,)}
    return {hugging_face_name(name, "albert"): shape for name, shape in shapes.items()}


def _without_prefix(form: StoredForm, prefix: str) -> StoredForm:
    return StoredForm(
        {name.removeprefix(prefix): ours for name, ours in form.parameters.items()},
        {name.removeprefix(prefix): shape for name, shape in form.shapes.items()},
        {name.removeprefix(prefix): shape for name, shape in form.identity.items()},
    )
