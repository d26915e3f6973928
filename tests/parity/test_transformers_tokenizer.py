"""tokenizer.json in transformers: the same ids as ours, and what still differs, counted.

What cannot be the same, with transformers 5.23 and tokenizers 0.23:
- special pieces written out in a text ("[MASK]") are text for the original and special here, which
  is what makes fill-mask prompts work;
- a number that begins with a piece of digits and comma ("▁31," of "31,4"): the original splits the
  piece after choosing it, a score can only keep it from being chosen (vocabularies that litebert
  trains never use such pieces);
- two segmentations of equal score, told apart by rounding (single against double precision);
- characters newer than the running Python's Unicode tables;
- with `keep_accents`: Hangul written as single jamo, and several marks on one letter.
"""

import gzip
import json
import random

import pytest

from litebert.text.agreement import (
    MEASURED,
    MEASURED_ALBERT_CLASS,
    MEASURED_TEXTS,
    compare_with_fast,
)
from litebert.text.model_proto import normaliser_table
from litebert.text.normalise import Normalisation
from litebert.text.tokenizer import Tokenizer
from litebert.text.vocabulary import VocabularySettings, train_vocabulary

transformers = pytest.importorskip("transformers")

SCRIPTS = [(0x20, 0x7E)] * 3 + [(0xA0, 0x24F), (0x300, 0x33F), (0x370, 0x3FF), (0x400, 0x4FF)]
SCRIPTS += [(0x5D0, 0x5EA), (0x900, 0x97F), (0xE01, 0xE3A), (0x2000, 0x206F), (0x20A0, 0x23FF)]
SCRIPTS += [
    (0x3041, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xFB00, 0xFB06),
    (0xFF01, 0xFF9F),
]
SCRIPTS += [(0x1F300, 0x1F64F), (0x30, 0x39)]


def load(tokenizer, folder):
    tokenizer.save(folder, max_length=10**9)
    return transformers.AutoTokenizer.from_pretrained(folder)


def different(tokenizer, theirs, texts):
    ids = theirs(texts, add_special_tokens=False)["input_ids"]
    ours = tokenizer.encode_batch(texts)
    return [text for text, a, b in zip(texts, ids, ours, strict=True) if a != b]


@pytest.fixture(scope="module")
def tokenizer(shared):
    return Tokenizer.load(shared / "data/spm/30k-clean.model")


@pytest.fixture(scope="module")
def theirs(tokenizer, tmp_path_factory):
    return load(tokenizer, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def oracle_texts(shared):
    with gzip.open(shared / "oracle/tokens/tokens.jsonl.gz", "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def test_oracle_texts_get_the_same_ids_but_for_written_out_special_pieces(
    tokenizer, theirs, oracle_texts
):
    assert different(tokenizer, theirs, oracle_texts) == ["[MASK] [CLS] [SEP] <pad> <unk>"]
    found = compare_with_fast(tokenizer, oracle_texts)
    assert (found.texts, found.reasons) == (MEASURED_TEXTS, MEASURED)


def test_running_text_in_five_languages_gets_the_same_ids(tokenizer, theirs, shared):
    texts = [
        line
        for path in sorted((shared / "data/multilingual").glob("*.txt"))
        for line in path.read_text("utf-8").splitlines()[:1500]
    ]
    assert len(texts) > 7000
    assert different(tokenizer, theirs, texts) == []


def test_numbers_with_commas_get_the_same_ids_but_for_one_text_of_4000(tokenizer, theirs):
    draw = random.Random(5)

    def number():
        digits = "".join(draw.choice("0123456789,,0") for _ in range(draw.randint(1, 9)))
        return draw.choice(["", "(", "$", "A", "x-"]) + digits + draw.choice(["", ".", ",", "th"])

    texts = [" ".join(number() for _ in range(6)) for _ in range(4000)]
    assert len(different(tokenizer, theirs, texts)) <= 1


def test_the_albert_class_builds_its_own_pipeline_and_differs_a_little(
    tokenizer, oracle_texts, tmp_path
):
    """Its pipeline makes `` and '' quotes and drops marks that the original keeps."""
    tokenizer.save(tmp_path, max_length=10**9)
    albert = transformers.AlbertTokenizer.from_pretrained(tmp_path)
    assert len(different(tokenizer, albert, oracle_texts)) == MEASURED_ALBERT_CLASS
    assert albert("a", "b")["token_type_ids"] == tokenizer.pair("a", "b").segment_ids


def test_what_transformers_saves_gives_the_original_ids_again(tokenizer, oracle_texts, tmp_path):
    """It writes tokenizer.json alone, by whichever class; spiece.model is made of it again."""
    tokenizer.save(tmp_path / "ours")
    classes = [transformers.AutoTokenizer, transformers.AlbertTokenizer]
    loaded = [kind.from_pretrained(tmp_path / "ours") for kind in classes]
    expected = tokenizer.encode_batch(oracle_texts)
    for number, theirs in enumerate([*loaded, from_sentencepiece(tokenizer)]):
        folder = tmp_path / str(number)
        theirs.save_pretrained(folder)
        assert sorted(path.name for path in folder.iterdir()) == [
            *("tokenizer.json", "tokenizer_config.json")
        ]
        again = Tokenizer.load(folder)
        assert again.encode_batch(oracle_texts) == expected
        assert again.pieces == tokenizer.pieces


def from_sentencepiece(tokenizer):
    """AlbertTokenizer as it is made of a spiece.model, which takes the protobuf package."""
    added = [*tokenizer.pieces[:1], *tokenizer.pieces[2:13]]
    return transformers.AlbertTokenizer(
        vocab=list(zip(tokenizer.pieces, tokenizer.scores(), strict=True)),
        extra_special_tokens=[
            transformers.AddedToken(piece, normalized=False, special=index < 4)
            for index, piece in enumerate(added)
        ],
        _spm_precompiled_charsmap=normaliser_table(tokenizer.model),
    )


def test_pairs_and_single_texts_come_complete(tokenizer, theirs):
    pair = theirs("A first text (1,999).", "and another")
    ours = tokenizer.pair("A first text (1,999).", "and another")
    assert pair["input_ids"] == ours.ids
    assert pair["token_type_ids"] == ours.segment_ids
    assert theirs("")["input_ids"] == tokenizer.pair("").ids
    cut = theirs("one " * 50, "two " * 9, truncation="longest_first", max_length=24)
    assert cut["input_ids"] == tokenizer.pair("one " * 50, "two " * 9, max_length=24).ids


def test_special_pieces_have_their_roles(tokenizer, theirs):
    roles = ["pad", "unk", "cls", "sep", "mask"]
    assert [getattr(theirs, f"{role}_token_id") for role in roles] == [0, 1, 2, 3, 4]
    assert len(theirs) == tokenizer.vocab_size
    prompt = theirs("Paris is the [MASK] of France.")["input_ids"]
    assert prompt.count(tokenizer.mask_id) == 1
    assert theirs.decode(tokenizer.encode("it is (a) test.")) == "it is (a) test."


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("keep_accents", [True, False])
def test_other_scripts_and_normalisations_agree(shared, tmp_path, lower_case, keep_accents):
    """A vocabulary that knows the characters, so that a difference is not hidden as unknown."""
    normalisation = Normalisation(lower_case=lower_case, keep_accents=keep_accents)
    books = sorted((shared / "data/multilingual").glob("*.txt"))
    lines = [line for path in books for line in path.read_text("utf-8").splitlines()[:800]]
    draw = random.Random(3)
    odd = ["".join(_characters(draw)) for _ in range(1000)]
    settings = VocabularySettings(vocab_size=9000, character_coverage=1.0)
    train_vocabulary(lines + odd * 2, tmp_path / "vocabulary", settings, normalisation)
    tokenizer = Tokenizer.load(tmp_path / "vocabulary")
    theirs = transformers.AutoTokenizer.from_pretrained(
        tmp_path / "vocabulary", model_max_length=10**9
    )
    assert len(different(tokenizer, theirs, [line for line in lines if line])) <= 1
    assert len(different(tokenizer, theirs, odd)) <= (9 if keep_accents else 1)


def _characters(draw):
    for _ in range(draw.randint(1, 15)):
        first, last = draw.choice(SCRIPTS)
        yield from (chr(draw.randint(first, last)) for _ in range(draw.randint(1, 4)))
        yield draw.choice(["", "", " ", ",", ". ", "\t"])
