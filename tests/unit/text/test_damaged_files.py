"""Vocabulary files with random damage: one typed error at once, or a tokenizer that works."""

import random
import time

import pytest

from litebert.foundation.errors import VocabularyError
from litebert.text.model_proto import Piece, PieceType, write_model
from litebert.text.tokenizer import SentencePieceTokenizer, Tokenizer

TEXT = "A word, 1,999 of them: Été 敏捷的 [MASK] ½ がﾞ \ud800"
TRIED = 120


@pytest.fixture(scope="module")
def bare(tokenizer):
    """The same pieces without the normaliser's table, whose damage would hide that of the rest."""
    score = dict(zip(tokenizer.pieces, tokenizer.scores(), strict=True))
    pieces = [
        Piece(piece, score[piece], PieceType.CONTROL if index < 5 else PieceType.NORMAL)
        for index, piece in enumerate(tokenizer.pieces)
    ]
    pieces[1] = pieces[1]._replace(type=PieceType.UNKNOWN)
    return SentencePieceTokenizer(write_model(pieces, b""))


def damaged(content, draw):
    """Bytes cut, altered, doubled, or put in other places."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 6)):
        place = draw.randrange(len(content) + 1)
        size = draw.choice([1, 1, 1, 4, 50, 1000])
        match draw.randrange(6):
            case 0:
                del content[place : place + size]
            case 1:
                content[place:place] = content[place : place + size]
            case 2:
                content[place : place + 1] = bytes([draw.randrange(256)])
            case 3:
                content[place : place + 1] = draw.choice(
                    [b"\n", b"\0", b'"', b"{", b"9" * 30, b"\xff"]
                )
            case 4:
                other = draw.randrange(len(content) + 1)
                content[place : place + size] = content[other : other + size]
            case 5 if draw.random() < 0.2:
                del content[place:]
    return bytes(content)


@pytest.mark.parametrize(
    ("name", "fixture", "beside"),
    [
        ("spiece.model", "tokenizer", ["tokenizer_config.json"]),
        ("spiece.model", "bare", []),
        ("tokenizer.json", "tokenizer", []),
        ("tokenizer.json", "bare", []),
        ("tokenizer.json", "wordpiece", []),
        ("tokenizer.json", "wordpiece", ["vocab.txt", "tokenizer_config.json"]),
        ("vocab.txt", "wordpiece", []),
        ("tokenizer_config.json", "wordpiece", ["vocab.txt"]),
        ("tokenizer_config.json", "bare", ["spiece.model"]),
    ],
)
def test_a_damaged_file_is_refused_or_still_works(name, fixture, beside, request, tmp_path):
    tokenizer = request.getfixturevalue(fixture)
    tokenizer.save(tmp_path / "whole")
    content = (tmp_path / "whole" / name).read_bytes()
    folder = tmp_path / "damaged"
    folder.mkdir()
    for other in beside:
        (folder / other).write_bytes((tmp_path / "whole" / other).read_bytes())
    draw = random.Random(f"{name} {fixture}")
    worked, errors = 0, []
    for _ in range(TRIED):
        (folder / name).write_bytes(damaged(content, draw))
        began = time.process_time()
        try:
            read = Tokenizer.load(folder)
            encoding = read.encode_with_offsets(TEXT)
            assert read.encode(TEXT) == encoding.ids
            assert all(0 <= start <= end <= len(TEXT) for start, end in encoding.spans)
            read.decode(encoding.ids)
            worked += 1
        except VocabularyError as error:
            errors.append(str(error))
        assert time.process_time() - began < 1
    assert errors
    assert [error for error in errors if "\n" in error or len(error) > 600] == []
    assert worked or fixture == "tokenizer"
    assert {path.name for path in folder.iterdir()} == {name, *beside}
