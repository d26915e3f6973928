"""litebert: ALBERT ("A Lite BERT", Lan et al. 2019) from raw text to predictions.

The names below are stable. They load on first use, so that `import litebert` stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litebert import optim as optim
    from litebert.encoder.config import EncoderConfig as EncoderConfig
    from litebert.encoder.encoder import Encoder as Encoder
    from litebert.encoder.encoder import EncoderOutput as EncoderOutput
    from litebert.encoder.models import PretrainingModel as PretrainingModel
    from litebert.foundation.errors import LitebertError as LitebertError
    from litebert.tasks.prediction.embedder import Embedder as Embedder
    from litebert.tasks.prediction.embedder import load_embedder as load_embedder
    from litebert.tasks.prediction.predictor import Predictor as Predictor
    from litebert.tasks.prediction.predictor import load_predictor as load_predictor
    from litebert.text.tokenizer import Tokenizer as Tokenizer
    from litebert.weights.folder import load_encoder as load_encoder
    from litebert.weights.folder import load_model as load_model
    from litebert.weights.folder import load_pretraining_model as load_pretraining_model

__version__ = "0.1.0"

_MODULES = {
    "Embedder": "litebert.tasks.prediction.embedder",
    "Encoder": "litebert.encoder.encoder",
    "EncoderConfig": "litebert.encoder.config",
    "EncoderOutput": "litebert.encoder.encoder",
    "LitebertError": "litebert.foundation.errors",
    "Predictor": "litebert.tasks.prediction.predictor",
    "PretrainingModel": "litebert.encoder.models",
    "Tokenizer": "litebert.text.tokenizer",
    "load_embedder": "litebert.tasks.prediction.embedder",
    "load_encoder": "litebert.weights.folder",
    "load_model": "litebert.weights.folder",
    "load_predictor": "litebert.tasks.prediction.predictor",
    "load_pretraining_model": "litebert.weights.folder",
}
_ROOMS = ("optim", "tasks")

__all__ = [*sorted(_MODULES), *_ROOMS, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    if name in _ROOMS:
        return import_module(f"litebert.{name}")
    raise AttributeError(f"module 'litebert' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
