"""One call of SentencePiece's trainer with the original's settings: quiet, watched, explained.

Source: the `spm_train` command of the original's README.
"""

import io
import re
from collections.abc import Iterator
from threading import Thread
from time import monotonic

from sentencepiece import SentencePieceTrainer

from litebert.foundation.errors import VocabularyError
from litebert.foundation.progress import Progress, duration
from litebert.text.pieces import SPECIAL

USER_SYMBOLS = ["(", ")", '"', "-", ".", "–", "£", "€"]  # always pieces of their own
MAX_LINE_BYTES = 4192  # SentencePiece leaves out longer lines
_THREADS = 16  # decides the order of sums, hence the bytes of the model: the same everywhere
_TICK = 1.0  # seconds between looks at the clock


def train_model(lines: list[str], vocab_size: int, fit: bool, coverage: float) -> bytes:
    """Train a unigram model on normalised lines; returns the serialised model.

    `lines` is emptied on the way, as SentencePiece keeps a copy of its own. `fit` takes a smaller
    vocabulary where the text allows no larger. Raises VocabularyError when it cannot be trained.
    """
    target = io.BytesIO()
    failures: list[Exception] = []
    count = len(lines)

    def work() -> None:
        try:
            SentencePieceTrainer.train(
                sentence_iterator=_consume(lines),
                model_writer=target,
                model_type="unigram",
                vocab_size=vocab_size,
                hard_vocab_limit=not fit,
                character_coverage=coverage,
                max_sentence_length=MAX_LINE_BYTES,
                num_threads=_THREADS,
                pad_id=0,
                unk_id=1,
                bos_id=-1,
                eos_id=-1,
                pad_piece=SPECIAL["pad"],
                unk_piece=SPECIAL["unk"],
                control_symbols=[SPECIAL["cls"], SPECIAL["sep"], SPECIAL["mask"]],
                user_defined_symbols=USER_SYMBOLS,
                minloglevel=3,
            )
        except Exception as error:  # noqa: BLE001  (raised again where it can be seen)
            failures.append(error)

    # SentencePiece neither reports how far it is nor lets itself be interrupted: it works in a
    # thread of its own, while this one keeps the clock going and takes Ctrl-C.
    thread = Thread(target=work, daemon=True)
    with Progress(f"Training {vocab_size:,} pieces", unit="sentences") as progress:
        began = monotonic()
        thread.start()
        while thread.is_alive():
            thread.join(_TICK)
            progress.update(count, f"{duration(monotonic() - began)} so far")
        progress.update(count, "")
        if failures:
            raise _explain(failures[0], vocab_size, coverage) from None
    return target.getvalue()


def _consume(lines: list[str]) -> Iterator[str]:
    """The lines in order, each let go when the next is asked for."""
    lines.reverse()
    while lines:
        yield lines.pop()


def _explain(error: Exception, vocab_size: int, coverage: float) -> Exception:
    """SentencePiece's refusal as a message that says how to mend it."""
    reason = str(error)
    if not isinstance(error, RuntimeError | ValueError):
        return error
    if high := re.search(r"size too high.*<= (\d+)", reason):
        largest = int(high[1])
        return VocabularyError(
            f"vocab_size {vocab_size:,} is more than this text allows: ask for {largest:,} or "
            "fewer, have it chosen (fit, --fit), or give more text"
        )
    if low := re.search(r"smaller than required_chars\. \d+ vs (\d+)", reason):
        return VocabularyError(
            f"vocab_size {vocab_size:,} is too small for the characters of this text: ask for "
            f"{int(low[1]):,} or more, or lower character_coverage ({coverage})"
        )
    if "sentences_.empty()" in reason:
        return VocabularyError("no sentence of this text can be trained on: give other text")
    return VocabularyError(f"SentencePiece cannot train on this text: {reason.splitlines()[0]}")
