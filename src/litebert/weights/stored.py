"""The form in which a model is stored, so that transformers can run it.

transformers knows one kind of sharing: groups of whole layers, depth l in group int(l / (L / G)).
Every other kind is stored as L groups, one a depth, that hold equal copies; loading checks that
they are equal and ties them again. ALBERT's E → H projection, which we leave out where E = H, is
stored as the identity.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.weights.names import hugging_face_name, parameter_set, tied_decoder

Shape = tuple[int, ...]


@dataclass(frozen=True)
class StoredForm:
    """What the weights file of a model holds, by Hugging Face's names."""

    parameters: dict[str, str]
    """Each name with the parameter of ours that it holds; several may hold one."""
    shapes: dict[str, Shape]
    """The shape of each of them."""
    identity: dict[str, Shape]
    """The projection that stands for none."""
    tied: dict[str, str]
    """Copies that a file may hold, each with the name it must be equal to."""


def stored_form(model: nn.Module, encoder: Encoder) -> StoredForm:
    """The stored form of an encoder alone (`model` is `encoder`) or of an encoder with heads.

    An encoder alone has Hugging Face's names without their "albert." or "bert." in front.
    """
    family, alone = encoder.config.family, model is encoder
    sets = stored_sets(encoder)
    parameters: dict[str, str] = {}
    shapes: dict[str, Shape] = {}
    for name, tensor in model.state_dict().items():
        ours = f"encoder.{name}" if alone else name
        for stored in _stored_names(ours, encoder, sets):
            parameters[stored] = name
            shapes[stored] = tuple(tensor.shape)
    tied = tied_decoder(family) if "masked_lm.bias" in parameters.values() else {}
    form = StoredForm(parameters, shapes, _identity_shapes(encoder.config), tied)
    return _without_prefix(form, f"{family}.") if alone else form


def stored_sets(encoder: Encoder) -> list[dict[str, int]]:
    """For each group of the file, the sets of ours it holds: {"attention": …, "ffn": …}."""
    config = encoder.config
    if config.sharing == "all" and groups_as_transformers(config):
        return [{"attention": g, "ffn": g} for g in range(config.num_hidden_groups)]
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


def _stored_names(ours: str, encoder: Encoder, sets: list[dict[str, int]]) -> list[str]:
    """The names that hold one parameter: one, or as many as there are copies of its set."""
    family, placed = encoder.config.family, parameter_set(ours)
    if placed is None:
        return [hugging_face_name(ours, family)]
    half, number = placed
    return [
        hugging_face_name(ours, family, stored)
        for stored, used in enumerate(sets)
        if used[half] == number
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
        {},
    )
