"""Tokenizers of every kind, behind one interface: `Tokenizer.load` finds out which kind it is.

SentencePiece models (ALBERT) and WordPiece vocabularies (BERT, the Chinese ALBERT).
"""

from litebert.text.interface import Encoding, PairEncoding, Tokenizer, shared_room
from litebert.text.sentencepiece_tokenizer import SentencePieceTokenizer
from litebert.text.wordpiece import WordPieceSettings, WordPieceTokenizer

__all__ = [
    "Encoding",
    "PairEncoding",
    "SentencePieceTokenizer",
    "Tokenizer",
    "WordPieceSettings",
    "WordPieceTokenizer",
    "shared_room",
]
