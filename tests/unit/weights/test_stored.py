import pytest
import torch

from fakes import tiny_config
from litebert.encoder.encoder import Encoder
from litebert.weights.stored import groups_as_transformers, stored_form, stored_sets


def sets(**changes: object) -> list[tuple[int, int]]:
    with torch.device("meta"):
        encoder = Encoder(tiny_config(**changes))
    return [(used["attention"], used["ffn"]) for used in stored_sets(encoder)]


def test_groups_of_whole_layers_are_stored_as_they_are() -> None:
    assert sets() == [(0, 0)]
    assert sets(num_hidden_groups=2) == [(0, 0), (1, 1)]


def test_other_sharing_is_stored_as_a_group_for_every_depth() -> None:
    assert sets(sharing="none") == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert sets(sharing="attention") == [(0, 0), (0, 1), (0, 2), (0, 3)]
    assert sets(sharing="ffn", num_hidden_groups=2) == [(0, 0), (1, 0), (2, 1), (3, 1)]


def test_groups_that_transformers_divides_otherwise_are_stored_by_depth() -> None:
    assert not groups_as_transformers(tiny_config(num_hidden_layers=18, num_hidden_groups=14))
    stored = sets(num_hidden_layers=18, num_hidden_groups=14)
    assert len(stored) == 18
    assert stored[9] == (7, 7)


@pytest.mark.parametrize("layers", [6, 12, 24, 48])
def test_published_depths_are_divided_alike_by_both(layers: int) -> None:
    for groups in range(1, layers + 1):
        config = tiny_config(num_hidden_layers=layers, num_hidden_groups=groups)
        assert groups_as_transformers(config)


def test_no_projection_is_stored_as_the_identity_and_only_for_albert() -> None:
    def identity(**changes: object) -> dict[str, tuple[int, ...]]:
        with torch.device("meta"):
            encoder = Encoder(tiny_config(**changes))
        return stored_form(encoder, encoder).identity

    assert identity() == {}
    assert identity(embedding_size=16, sharing="none", family="bert") == {}
    assert identity(embedding_size=16) == {
        "encoder.embedding_hidden_mapping_in.weight": (16, 16),
        "encoder.embedding_hidden_mapping_in.bias": (16,),
    }
