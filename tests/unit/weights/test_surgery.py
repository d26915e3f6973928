from typing import Any

import pytest
import torch

from fakes import tiny_config
from litebert.encoder.layout import Packed
from litebert.encoder.models import HEADS, Head, Model, PretrainingModel, encoder_of
from litebert.foundation.errors import ConfigError
from litebert.text.model_proto import Piece, PieceType, write_model
from litebert.text.pieces import SPECIAL
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer, WordPieceTokenizer
from litebert.weights.surgery import (
    RowSources,
    padded,
    replaced_vocabulary,
    same_vocabulary,
    with_vocabulary,
)

ROLES = ("pad_id", "unk_id", "cls_id", "sep_id", "mask_id")
BERT = ["[UNK]", "[CLS]", "[SEP]", "[MASK]", "[PAD]", "[unused0]"]  # in another order than ours


def sentencepiece(*pieces: str) -> SentencePieceTokenizer:
    """A vocabulary of these pieces after the special ones; the longest match wins."""
    kinds = {"unk": PieceType.UNKNOWN}
    special = [Piece(p, 0.0, kinds.get(role, PieceType.CONTROL)) for role, p in SPECIAL.items()]
    rows = [Piece(piece, -20.0 + len(piece), PieceType.NORMAL) for piece in pieces]
    return SentencePieceTokenizer(write_model([*special, *rows], b""))


def wordpiece(*pieces: str) -> WordPieceTokenizer:
    return WordPieceTokenizer([*BERT, *pieces])


OLD = sentencepiece("▁the", "▁house", "▁is", "▁", "ing", "at", "ion", "is", "e", ",", ".", "中")
NEW = sentencepiece("▁isat", "▁", "ion", "isation", ",", "▁the", "▁zzz", "zat", "z", "▁house")


def model_for(tokenizer: Tokenizer, head: Head = "pretraining") -> Any:
    torch.manual_seed(0)
    config = tiny_config(vocab_size=tokenizer.vocab_size, initializer_range=0.3)
    model: Any = HEADS[head].build(config, 3, HEADS[head].needs_pooler).eval()
    if hasattr(model, "masked_lm"):
        torch.nn.init.normal_(model.masked_lm.bias)
    return model


def word_rows(model: Model) -> torch.Tensor:
    return encoder_of(model).embeddings.word.weight.detach()


def ids(tokenizer: Tokenizer, *pieces: str) -> tuple[int, ...]:
    return tuple(map(tokenizer.pieces.index, pieces))


def row(sources: RowSources, tokenizer: Tokenizer, piece: str) -> tuple[int, ...]:
    return tuple(sources.rows[tokenizer.pieces.index(piece)])


@torch.no_grad()
def logits(model: Any, tokens: list[int]) -> torch.Tensor:
    sequence = model.encoder.encode(torch.tensor(tokens), None, Packed([len(tokens)])).sequence
    made: torch.Tensor = model.masked_lm_logits(sequence)
    return made


def test_texts_of_known_pieces_get_the_same_ids_vectors_and_logits() -> None:
    model = model_for(OLD)
    changed = with_vocabulary(model, replaced_vocabulary(OLD, NEW))
    before, after = OLD.encode("the house,"), NEW.encode("the house,")
    assert [OLD.pieces[i] for i in before] == [NEW.pieces[i] for i in after]
    before += [getattr(OLD, role) for role in ROLES]
    after += [getattr(NEW, role) for role in ROLES]
    assert torch.equal(logits(model, before)[:, before], logits(changed, after)[:, after])


def test_a_new_piece_is_the_mean_of_what_the_old_tokenizer_writes() -> None:
    model = model_for(OLD)
    sources = replaced_vocabulary(OLD, NEW)
    changed = with_vocabulary(model, sources)
    parts = ids(OLD, "▁is", "at")
    assert row(sources, NEW, "▁isat") == parts == tuple(OLD.encode("isat"))
    index = NEW.pieces.index("▁isat")
    assert torch.equal(word_rows(changed)[index], word_rows(model)[list(parts)].mean(0))
    assert torch.equal(changed.masked_lm.bias[index], model.masked_lm.bias[list(parts)].mean())


def test_within_a_word_a_new_piece_is_made_of_pieces_within_a_word() -> None:
    assert OLD.encode("isation")[0] == OLD.pieces.index("▁is")
    assert row(replaced_vocabulary(OLD, NEW), NEW, "isation") == ids(OLD, "is", "at", "ion")
    old = wordpiece("a", "b", "##a", "##b", "##c")
    new = wordpiece("ab", "##ab", "##ba", "##cb")
    sources = replaced_vocabulary(old, new)
    assert row(sources, new, "ab") == ids(old, "a", "##b")
    assert row(sources, new, "##ab") == ids(old, "##a", "##b")
    assert row(sources, new, "##ba") == ids(old, "##b", "##a")
    assert row(sources, new, "##cb") == ()  # "cb" is unknown to the old tokenizer


def test_a_piece_nothing_is_known_of_is_the_mean_of_all_ordinary_pieces() -> None:
    model = model_for(OLD)
    sources = replaced_vocabulary(OLD, NEW)
    changed = with_vocabulary(model, sources)
    mean = word_rows(model)[OLD.ordinary_ids].mean(0)
    for piece in ("z", "▁zzz"):
        assert row(sources, NEW, piece) == ()
        assert torch.equal(word_rows(changed)[NEW.pieces.index(piece)], mean)
    assert row(sources, NEW, "zat") == ids(OLD, "at")  # what is known of it
    assert (sources.kept, sources.averaged, sources.anew) == (10, 3, 2)


def test_special_pieces_are_matched_by_what_they_are_for() -> None:
    other = wordpiece("x", "##x")
    for old, new in ((OLD, other), (other, OLD), (OLD, NEW)):
        sources = replaced_vocabulary(old, new)
        for role in ROLES:
            assert tuple(sources.rows[getattr(new, role)]) == (getattr(old, role),)


def test_pieces_that_look_alike_in_running_text_are_the_same_in_both_conventions() -> None:
    other = wordpiece("the", "house", "##ing", "##house", "##the", "ing")
    sources = replaced_vocabulary(OLD, other)
    assert row(sources, other, "the") == ids(OLD, "▁the")
    assert row(sources, other, "##ing") == ids(OLD, "ing")
    assert row(sources, other, "ing") == ids(OLD, "ing")  # "▁" and "ing" are written in its place
    back = replaced_vocabulary(other, OLD)
    assert row(back, OLD, "▁house") == ids(other, "house")
    assert row(back, OLD, "ing") == ids(other, "##ing")
    assert row(back, OLD, "▁") == ()


def test_a_character_that_is_always_a_word_is_matched_bare() -> None:
    other = wordpiece(",", "##,", "中", "##中", "e", "##e")
    sources = replaced_vocabulary(OLD, other)
    for piece in (",", "##,"):
        assert row(sources, other, piece) == ids(OLD, ",")
    for piece in ("中", "##中"):
        assert row(sources, other, piece) == ids(OLD, "中")
    assert row(sources, other, "##e") == ids(OLD, "e")
    back = replaced_vocabulary(other, OLD)
    assert row(back, OLD, ",") == ids(other, ",")
    assert row(back, OLD, "e") == ids(other, "##e")


def test_the_same_vocabulary_changes_nothing() -> None:
    model = model_for(OLD)
    again = with_vocabulary(model, replaced_vocabulary(OLD, OLD))
    for name, tensor in again.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])


@pytest.mark.parametrize("head", HEADS)
def test_every_head_is_kept_and_the_old_model_stays_as_it_was(head: Head) -> None:
    model = model_for(OLD, head)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    changed = with_vocabulary(model, replaced_vocabulary(OLD, NEW))
    assert type(changed) is type(model)
    assert encoder_of(changed).config.vocab_size == NEW.vocab_size
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
        if not name.endswith(("word.weight", "masked_lm.bias")):
            assert torch.equal(tensor, changed.state_dict()[name])


def test_rows_beyond_the_pieces_are_the_mean_row_and_can_go_again() -> None:
    model, pieces = model_for(OLD), OLD.vocab_size
    larger = with_vocabulary(model, padded(same_vocabulary(OLD), 64))
    assert torch.equal(word_rows(larger)[:pieces], word_rows(model))
    mean = word_rows(model)[OLD.ordinary_ids].mean(0)
    assert torch.equal(word_rows(larger)[pieces:], mean.expand(64 - pieces, -1))
    again = with_vocabulary(larger, padded(same_vocabulary(OLD), pieces))
    assert torch.equal(word_rows(again), word_rows(model))
    with pytest.raises(ConfigError, match="16 rows are asked for, the vocabulary has 17 pieces"):
        padded(same_vocabulary(OLD), 16)


def test_a_model_on_a_new_vocabulary_trains_on() -> None:
    model = with_vocabulary(model_for(OLD), replaced_vocabulary(OLD, NEW)).train()
    assert isinstance(model, PretrainingModel)
    tokens = torch.tensor(NEW.encode("the isation zat, house"))
    losses = []
    for _ in range(5):
        made = model(tokens, None, Packed([len(tokens)]), torch.arange(len(tokens)))
        loss = torch.nn.functional.cross_entropy(made[0], tokens) + made[1].square().sum()
        losses.append(loss.item())
        model.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.01 * parameter.grad  # type: ignore[operator]
    assert losses == sorted(losses, reverse=True)
