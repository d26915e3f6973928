"""WordPiece in transformers: the same ids as ours, from vocab.txt and from what we save.

What cannot be the same: special pieces written out in a text ("[MASK]"), which are text for the
original and special there; and, where transformers reads vocab.txt or builds its BertTokenizer,
words of 101 to 200 characters, which it takes for unknown.
"""

import gzip
import json
import random
from pydoc_data.topics import topics

import pytest

from litebert.text.agreement import compare_with_fast
from litebert.text.tokenizer import Tokenizer, WordPieceSettings, WordPieceTokenizer
from wordpieces import FOREIGN, original_pieces, original_words, small_wordpieces

transformers = pytest.importorskip("transformers")

SETTINGS = {
    "uncased": WordPieceSettings(longest_word=100),
    "cased": WordPieceSettings(lower_case=False, longest_word=100),
    "accents": WordPieceSettings(strip_accents=False, longest_word=100),
    "no words of Chinese": WordPieceSettings(chinese_characters=False, longest_word=100),
}
EVERY = pytest.mark.parametrize("name", SETTINGS)


def different(tokenizer, theirs, texts):
    ids = theirs(texts, add_special_tokens=False)["input_ids"]
    ours = tokenizer.encode_batch(texts)
    return [text for text, a, b in zip(texts, ids, ours, strict=True) if a != b]


def bert(tokenizer, folder):
    """transformers' own class, from vocab.txt alone."""
    tokenizer.save(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    settings = tokenizer.settings
    return transformers.BertTokenizer.from_pretrained(
        folder,
        do_lower_case=settings.lower_case,
        strip_accents=settings.strip_accents,
        tokenize_chinese_chars=settings.chinese_characters,
    )


@pytest.fixture(scope="module")
def texts():
    """Python's documentation, sentences of other scripts, and characters of all kinds."""
    draw = random.Random(11)
    blocks = [(0, 0x2FF), (0x300, 0x3FFF), (0x4E00, 0x9FFF), (0xA000, 0xFFFF), (0x10000, 0x2FFFF)]
    odd = []
    for _ in range(1500):
        first, last = draw.choice(blocks)
        letters = [chr(draw.randint(first, last)) for _ in range(draw.randint(1, 12))]
        odd.append(" ".join(["a", "".join(letters), "b"]))
    pages = [topics[name] for name in sorted(topics)][::3]
    return [*pages, *FOREIGN, *(t for t in odd if t.isprintable() or t.isascii())]


@EVERY
def test_berts_own_class_gives_the_same_ids(name, texts, tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces(), SETTINGS[name])
    assert different(tokenizer, bert(tokenizer, tmp_path), texts) == []


@pytest.mark.parametrize(
    ("name", "family"),
    [("uncased", "albert"), ("cased", "bert"), ("accents", None), ("no words of Chinese", "bert")],
)
def test_a_saved_folder_gives_the_same_ids(name, family, texts, tmp_path):
    """Also where the model is an ALBERT with a vocab.txt, as the Chinese ones are."""
    settings = SETTINGS[name].changed(longest_word=200)
    tokenizer = WordPieceTokenizer(small_wordpieces(), settings)
    tokenizer.save(tmp_path, max_length=10**9)
    if family is not None:
        (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert different(tokenizer, theirs, [*texts, "x" * 150, "x" * 200, "x" * 201]) == []


@EVERY
def test_what_transformers_saves_loads_equal(name, tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces(), SETTINGS[name])
    bert(tokenizer, tmp_path / "list").save_pretrained(tmp_path / "saved")
    assert not (tmp_path / "saved" / "vocab.txt").exists()
    again = Tokenizer.load(tmp_path / "saved")
    assert again == tokenizer
    tokenizer.save(tmp_path / "ours")
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    assert Tokenizer.load(tmp_path / "theirs") == tokenizer


def test_added_tokens_of_transformers_are_refused(tmp_path):
    theirs = bert(WordPieceTokenizer(small_wordpieces()), tmp_path / "list")
    theirs.add_tokens(["litebert"])
    theirs.save_pretrained(tmp_path / "saved")
    with pytest.raises(ValueError, match='adds "litebert" to the vocabulary'):
        Tokenizer.load(tmp_path / "saved")


def test_what_differs_is_known(tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces())
    theirs = bert(tokenizer, tmp_path)
    odd = ["a [MASK]", "x" * 101]
    assert different(tokenizer, theirs, [*odd, "x" * 100]) == odd


def test_pairs_roles_and_text_are_the_same(tmp_path):
    tokenizer = WordPieceTokenizer(small_wordpieces())
    tokenizer.save(tmp_path)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    pair, ours = (
        theirs("The first, 1999.", "another"),
        tokenizer.pair("The first, 1999.", "another"),
    )
    assert (pair["input_ids"], pair["token_type_ids"]) == (ours.ids, ours.segment_ids)
    roles = ["pad", "unk", "cls", "sep", "mask"]
    ids = [getattr(theirs, f"{role}_token_id") for role in roles]
    assert ids == [getattr(tokenizer, f"{role}_id") for role in roles]
    assert theirs("a [MASK]")["input_ids"].count(tokenizer.mask_id) == 1
    for text in ("The value of it, isn't it?", "no (way) - 敏捷的狐狸 is"):
        read = theirs.decode(ours.ids + tokenizer.encode(text), skip_special_tokens=True)
        mine = tokenizer.decode(ours.ids + tokenizer.encode(text))
        assert mine.replace(" ", "") == read.replace(" ", "")
        assert mine == read or "狐" in text
    spans = theirs("Ein Fuß, 敏捷", return_offsets_mapping=True, add_special_tokens=False)
    assert spans["offset_mapping"] == tokenizer.encode_with_offsets("Ein Fuß, 敏捷").spans


@pytest.fixture(scope="module")
def running(shared):
    """Texts of 12 languages, and of five handbooks."""
    with gzip.open(shared / "oracle/tokens/tokens.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = [json.loads(line)["text"] for line in file]
    for path in sorted((shared / "data/multilingual").glob("*.txt")):
        lines += path.read_text("utf-8").split("\n")[:400]
    return lines


@pytest.fixture(scope="module")
def known(running):
    """A vocabulary that knows every character, so that no difference is hidden as unknown."""
    letters = sorted({letter for line in running for letter in line if not letter.isspace()})
    return list(dict.fromkeys([*small_wordpieces(), *letters, *(f"##{c}" for c in letters)]))


@pytest.mark.parametrize(("name", "step"), [("uncased", 1), ("cased", 4)])
def test_running_text_gets_the_same_ids(name, step, running, known, tmp_path):
    tokenizer = WordPieceTokenizer(known, SETTINGS[name])
    found = different(tokenizer, bert(tokenizer, tmp_path), running[::step])
    assert set(found) <= {"[MASK] [CLS] [SEP] <pad> <unk>"}
    assert len(compare_with_fast(tokenizer, running[:: 4 * step]).differences) <= 1


@pytest.mark.parametrize("lower_case", [True, False])
def test_running_text_gets_the_ids_of_the_original(lower_case, running, known):
    tokenizer = WordPieceTokenizer(known, WordPieceSettings(lower_case=lower_case))
    pieces = frozenset(known)
    lines = running[lower_case::6]
    for line, ids in zip(lines, tokenizer.encode_batch(lines), strict=True):
        words = original_words(line, lower_case)
        expected = [piece for word in words for piece in original_pieces(word, pieces)]
        assert [tokenizer.pieces[index] for index in ids] == expected
