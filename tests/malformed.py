"""Every format of weights, damaged at random and read."""

import json
import random
import resource
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file

from fakes import tiny_config
from litebert.encoder.models import HEADS, Head, Model
from litebert.foundation.errors import LitebertError
from litebert.weights.bundle import Bundle
from litebert.weights.folder import load_fine_tuned, load_model, save_model
from litebert.weights.google import import_google
from litebert.weights.google_export import PREFIX, export_google
from litebert.weights.huggingface import import_huggingface
from litebert.weights.pickled import pickled_tensors
from mutations import damaged, damaged_json, damaged_safetensors

Damage = Callable[[bytes, random.Random], bytes]
Read = Callable[[Path, Path], None]  # a folder, and where what is made of it may be written
GROWTH = 400 << 20  # bytes that the process may take more after a format's files
SECONDS = 1.0  # of this process's own time, for one file

CONFIG = tiny_config(num_hidden_layers=2, num_hidden_groups=2)


def model_of(head: Head) -> Model:
    return HEADS[head].build(CONFIG, 3, False)


def hugging_face(folder: Path) -> None:
    save_model(folder, model_of("classification"))


def classifier(folder: Path) -> None:
    task = {"kind": "classification", "labels": ["low", "middle", "high"]}
    save_model(folder, model_of("classification"), task=task)


def own(folder: Path) -> None:
    save_model(folder, model_of("answerable_span"))


def sharded(folder: Path) -> None:
    save_model(folder, model_of("masked_lm"))
    path = folder / "model.safetensors"
    tensors = load_file(path)
    path.unlink()
    files = {name: f"model-{index % 2}.safetensors" for index, name in enumerate(tensors)}
    for file in set(files.values()):
        save_file({n: t for n, t in tensors.items() if files[n] == file}, folder / file)
    index = {"metadata": {"total_size": 1}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def pickled(folder: Path) -> None:
    save_model(folder, model_of("span"))
    path = folder / "model.safetensors"
    torch.save(load_file(path), folder / "pytorch_model.bin")
    path.unlink()


def pickled_as_once(folder: Path) -> None:
    pickled(folder)
    path = folder / "pytorch_model.bin"
    torch.save(torch.load(path), path, _use_new_zipfile_serialization=False)


def checkpoint(folder: Path) -> None:
    save_model(folder.with_name("model"), model_of("pretraining"))
    export_google(folder.with_name("model"), folder)
    shutil.rmtree(folder.with_name("model"))


def archive(folder: Path) -> None:
    checkpoint(folder.with_name("inside"))
    folder.mkdir()
    with tarfile.open(folder / "albert.tar.gz", "w:gz") as tar:
        tar.add(folder.with_name("inside"), "albert_base")
    shutil.rmtree(folder.with_name("inside"))


def read_google(folder: Path, out: Path) -> None:
    import_google(folder, out)


def read_archive(folder: Path, out: Path) -> None:
    import_google(folder / "albert.tar.gz", out)


def read_bundle(folder: Path, out: Path) -> None:
    with Bundle(folder / PREFIX) as bundle:
        for name in bundle.shapes:
            bundle.tensor(name)


def read_pickle(folder: Path, out: Path) -> None:
    """In this process, for speed: whatever is no tensor must not be executed even so."""
    for storable in pickled_tensors(folder / "pytorch_model.bin").values():
        storable.get()


def read_model(folder: Path, out: Path) -> None:
    load_model(folder)


def read_classifier(folder: Path, out: Path) -> None:
    load_fine_tuned(folder)


def read_foreign(folder: Path, out: Path) -> None:
    import_huggingface(folder, out, allow_missing_heads=True)


class Malformed(NamedTuple):
    """How many files, of which format, which of its files, how damaged, and read by what."""

    count: int
    make: Callable[[Path], None]
    name: str
    damage: Damage
    read: Read

    @property
    def title(self) -> str:
        return f"{self.make.__name__} {self.name}"

    def check(self, seed: int, place: Path) -> None:
        """Damage the file as often: a typed error at once, or a whole model, and nothing else."""
        source, target = place / "source", place / "target"
        self.make(source)
        target.mkdir()
        self.read(source, target / "whole")
        draw = random.Random(f"{seed} {self.name}")
        whole = (source / self.name).read_bytes()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refused = 0
        for number in range(self.count):
            content = self.damage(whole, draw)
            (source / self.name).write_bytes(content)
            out = target / f"{number}"
            begun = time.process_time()
            try:
                self.read(source, out)
            except LitebertError:
                refused += 1
                assert not out.exists()
            assert time.process_time() - begun < SECONDS, content
            if out.exists():
                load_model(out)
                shutil.rmtree(out)
        assert {path.name for path in target.iterdir()} <= {"whole"}
        assert {path.name for path in place.iterdir()} == {"source", "target"}
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH >> 10
        assert refused > self.count // 3


FORMATS = [
    Malformed(170, hugging_face, "model.safetensors", damaged_safetensors, read_foreign),
    Malformed(60, own, "litebert.safetensors", damaged_safetensors, read_model),
    Malformed(150, hugging_face, "config.json", damaged_json, read_foreign),
    Malformed(60, own, "config.json", damaged_json, read_model),
    Malformed(80, classifier, "task.json", damaged_json, read_classifier),
    Malformed(100, sharded, "model.safetensors.index.json", damaged_json, read_foreign),
    Malformed(40, sharded, "model-1.safetensors", damaged_safetensors, read_foreign),
    Malformed(80, pickled, "pytorch_model.bin", damaged, read_pickle),
    Malformed(80, pickled_as_once, "pytorch_model.bin", damaged, read_pickle),
    Malformed(50, checkpoint, f"{PREFIX}.index", damaged, read_bundle),
    Malformed(30, checkpoint, f"{PREFIX}.data-00000-of-00001", damaged, read_bundle),
    Malformed(60, checkpoint, "albert_config.json", damaged_json, read_google),
    Malformed(40, archive, "albert.tar.gz", damaged, read_archive),
]
