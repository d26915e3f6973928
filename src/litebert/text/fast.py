"""The same tokenizer for Hugging Face: `tokenizer.json` and `tokenizer_config.json`.

The `tokenizers` library has other building blocks than SentencePiece, so the file restates our
pipeline in them. `tests/parity/test_transformers_tokenizer.py` measures how far they agree and
lists what cannot.
"""

import base64
import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any

from litebert.foundation.errors import VocabularyError
from litebert.text.model_proto import normaliser_table
from litebert.text.normalise import Normalisation
from litebert.text.pieces import SPACE, SPECIAL, is_digit_comma, load_processor

# Never chosen where other pieces can spell the same characters: the digit-comma rule as a score, as
# transformers has it too; and the same for pieces that are not used at all.
AVOIDED = -100.0
RETIRED = -200.0
_NFC = {"type": "NFC"}

# Python writes a capital sigma at the end of a word as ς; their Lowercase looks at single letters.
_CASED = r"[\p{Cased}&&[^\p{Case_Ignorable}]]"
_IGNORED = r"\p{Case_Ignorable}"
_FINAL_SIGMA = f"(?<={_CASED}|{_CASED}{_IGNORED}|{_CASED}{_IGNORED}{{2}})Σ(?!{_IGNORED}*{_CASED})"


def fast_tokenizer(model: bytes, normalisation: Normalisation) -> str:
    """The text of `tokenizer.json`. Raises VocabularyError when `model` is not SentencePiece's."""
    processor = load_processor(model)
    ids = list(range(processor.GetPieceSize()))
    vocabulary = [
        [piece, score + (RETIRED if unused else AVOIDED if is_digit_comma(piece) else 0.0)]
        for piece, score, unused in zip(
            processor.IdToPiece(ids), processor.GetScore(ids), processor.IsUnused(ids), strict=True
        )
    ]
    special = {piece: processor.PieceToId(piece) for piece in SPECIAL.values()}
    if vocabulary[special[SPECIAL["unk"]]][0] != SPECIAL["unk"]:
        raise VocabularyError(f"the SentencePiece model has no piece {SPECIAL['unk']}")
    return fast_file(
        {role: (piece, special[piece]) for role, piece in SPECIAL.items()},
        normalizer=_normaliser(normaliser_table(model), normalisation),
        pre_tokenizer=_metaspace(),
        decoder=_metaspace(),
        model={
            "type": "Unigram",
            "unk_id": special[SPECIAL["unk"]],
            "vocab": vocabulary,
            "byte_fallback": False,
        },
    )


def fast_file(
    special: Mapping[str, tuple[str, int]],
    *,
    normalizer: dict[str, Any],
    pre_tokenizer: dict[str, Any],
    decoder: dict[str, Any],
    model: dict[str, Any],
) -> str:
    """The text of a `tokenizer.json` of these parts; `special` has piece and id of every role."""
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added_token(piece, index) for piece, index in special.values()],
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": _template(dict([special["cls"], special["sep"]])),
        "decoder": decoder,
        "model": model,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def fast_config(
    special: Mapping[str, str], settings: Mapping[str, Any], max_length: int
) -> dict[str, Any]:
    """The content of `tokenizer_config.json`: the special pieces by role, and the kind's settings.

    The class makes transformers use `tokenizer.json` as it is (its AlbertTokenizer builds another
    pipeline, its BertTokenizer forgets the longest word), and the input names make it return
    token_type_ids.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **settings,
        "model_max_length": max_length,
        "model_input_names": ["input_ids", "token_type_ids", "attention_mask"],
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        **{f"{role}_token": piece for role, piece in special.items()},
    }


def _normaliser(table: bytes, normalisation: Normalisation) -> dict[str, Any]:
    steps = [_replace(f"[{_python_whitespace()}]+", " "), _strip()]
    if not normalisation.keep_accents:
        steps += [{"type": "NFKD"}, _replace(f"[{_combining_marks()}]+", "")]
    if normalisation.lower_case:
        steps += [_replace(_FINAL_SIGMA, "ς"), {"type": "Lowercase"}]
    if table:
        encoded = base64.b64encode(table).decode()
        table_step = {"type": "Precompiled", "precompiled_charsmap": encoded}
        # Their Precompiled misses rules for sequences of six bytes and more, which matters for
        # Hangul (NFKD took it apart) and for kana with a voicing mark. NFC would also reorder
        # stacked marks, so where marks are kept the kana are listed one by one.
        steps += [table_step, *_kana()] if normalisation.keep_accents else [_NFC, table_step]
    steps += [_replace(" {2,}", " "), _strip()]
    return {"type": "Sequence", "normalizers": steps}


def _kana() -> list[dict[str, Any]]:
    """Steps that join a kana and the (semi-)voiced sound mark behind it."""
    pairs = [chr(kana) + mark for kana in range(0x3041, 0x3100) for mark in "\u3099\u309a"]
    joined = [(pair, unicodedata.normalize("NFC", pair)) for pair in pairs]
    return [
        {"type": "Replace", "pattern": {"String": pair}, "content": letter}
        for pair, letter in joined
        if len(letter) == 1
    ]


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _strip() -> dict[str, Any]:
    return {"type": "Strip", "strip_left": True, "strip_right": True}


def _metaspace() -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": True}


def _template(special: dict[str, int]) -> dict[str, Any]:
    """`[CLS] A [SEP]` and `[CLS] A [SEP] B [SEP]`, the last part being segment 1.

    `special` has the ids of these two pieces, in this order.
    """
    cls, sep = special

    def token(piece: str, segment: int) -> dict[str, Any]:
        return {"SpecialToken": {"id": piece, "type_id": segment}}

    def text(side: str, segment: int) -> dict[str, Any]:
        return {"Sequence": {"id": side, "type_id": segment}}

    single = [token(cls, 0), text("A", 0), token(sep, 0)]
    return {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, text("B", 1), token(sep, 1)],
        "special_tokens": {
            piece: {"id": piece, "ids": [index], "tokens": [piece]}
            for piece, index in special.items()
        },
    }


def _added_token(piece: str, index: int) -> dict[str, Any]:
    return {
        "id": index,
        "content": piece,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }


@cache
def _python_whitespace() -> str:
    """What `str.split` splits at, as the inside of a regular expression's character class."""
    return _ranges(code for code in range(0x3001) if chr(code).isspace())


@cache
def _combining_marks() -> str:
    """All characters with a canonical combining class, as the inside of a character class."""
    return _ranges(code for code in range(0x110000) if unicodedata.combining(chr(code)))


def _ranges(codes: Any) -> str:
    """Ascending code points as `\\x{a}-\\x{b}` ranges."""
    ranges: list[list[int]] = []
    for code in codes:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in ranges)
