"""Checkpoints of Google's into model folders and back: nothing lost, nothing made up."""

import json
import os
import random
import shutil
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from fakes import tiny_config
from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.models import HEADS, Head, Model
from litebert.foundation.errors import ConfigError, LitebertError, ModelFolderError, StorageError
from litebert.text.tokenizer import Tokenizer
from litebert.weights.bundle import Bundle
from litebert.weights.bundle_writer import Variable, write_bundle
from litebert.weights.folder import load_model, save_model
from litebert.weights.google import import_google
from litebert.weights.google_export import export_google
from litebert.weights.imported import Imported
from small_models import small_tokenizer

Tensors = dict[str, Tensor]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some hundred folders are written here, and none must survive a power cut."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


LAYER = "bert/encoder/transformer/group_0/inner_group_0"


def model_of(config: EncoderConfig, head: Head = "pretraining", pooler: bool = True) -> Model:
    torch.manual_seed(0)
    model = HEADS[head].build(config, 3, pooler)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def exported(place: Path, model: Model) -> Path:
    """The checkpoint of a model; its prefix."""
    save_model(place / "model", model)
    return export_google(place / "model", place / "checkpoint").prefix


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return exported(tmp_path, model_of(tiny_config()))


def tensors_of(prefix: Path) -> Tensors:
    with Bundle(prefix) as bundle:
        return {name: bundle.tensor(name) for name in bundle.shapes}


def rewrite(prefix: Path, tensors: Tensors) -> None:
    variables = [Variable(n, tuple(t.shape), lambda t=t: t) for n, t in tensors.items()]  # type: ignore[misc]
    write_bundle(prefix, variables)


def alter(prefix: Path, changes: dict[str, Tensor | None]) -> None:
    """Replace variables, or drop them where None."""
    tensors: dict[str, Any] = tensors_of(prefix) | changes
    rewrite(prefix, {name: tensor for name, tensor in tensors.items() if tensor is not None})


def configured(prefix: Path, **changes: Any) -> None:
    """Change the configuration beside a checkpoint; None drops a key."""
    path = prefix.with_name("albert_config.json")
    values = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))


def outcomes(made: Imported) -> dict[str, int]:
    return {outcome: tensors for outcome, (tensors, _) in made.report.counts().items() if tensors}


def tiny(name: str) -> EncoderConfig:
    """A preset in small, with its own sharing, activation, proportions and depth."""
    preset = EncoderConfig.preset(name)
    heads = min(preset.num_attention_heads, 4)
    return preset.changed(
        vocab_size=40,
        hidden_size=4 * heads,
        embedding_size=4 * heads if preset.family == "bert" else 8,
        num_attention_heads=heads,
        intermediate_size=24,
        max_position_embeddings=16,
    )


MADE = {
    **{name: tiny(name) for name in PRESETS},
    **{f"sharing {s}": tiny_config(sharing=s) for s in ("attention", "ffn", "none")},
    "two groups of attention": tiny_config(sharing="attention", num_hidden_groups=2),
    "inner layers": tiny_config(inner_group_num=3, num_hidden_groups=2),
    "inner layers, nothing shared": tiny_config(inner_group_num=2, sharing="none"),
    "no projection": tiny_config(embedding_size=16),
    "groups divided unevenly": tiny_config(num_hidden_layers=18, num_hidden_groups=14),
    "rounding skips a group": tiny_config(num_hidden_layers=22, sharing="none"),
    "relu": tiny_config(hidden_act="relu"),
    "gelu by erf": tiny_config(hidden_act="gelu_erf", classifier_dropout_prob=0.2),
}


@pytest.mark.parametrize("config", MADE.values(), ids=MADE)
def test_every_model_survives_the_way(config: EncoderConfig, tmp_path: Path) -> None:
    model = model_of(config)
    prefix = exported(tmp_path, model)
    made = import_google(prefix, tmp_path / "again")
    again = load_model(made.folder)
    assert type(again) is type(model)
    assert made.config == config
    stored = again.state_dict()
    assert all(torch.equal(stored[name], tensor) for name, tensor in model.state_dict().items())
    export_google(made.folder, tmp_path / "twice")
    for file in prefix.parent.iterdir():
        assert (tmp_path / "twice" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("family", ["albert", "bert"])
@pytest.mark.parametrize("head", HEADS)
def test_every_head_survives_the_way(head: Head, family: str, tmp_path: Path) -> None:
    bert = {"family": "bert", "sharing": "none", "embedding_size": 16}
    config = tiny_config(**(bert if family == "bert" else {}))
    for pooler in (True, False):
        if HEADS[head].needs_pooler and not pooler:
            continue
        model = model_of(config, head, pooler)
        prefix = exported(tmp_path / str(pooler), model)
        made = import_google(prefix, tmp_path / str(pooler) / "again")
        assert made.head == head
        assert set(outcomes(made)) == {"loaded", "converted"}
        stored = load_model(made.folder).state_dict()
        assert stored.keys() == model.state_dict().keys()
        assert all(torch.equal(stored[name], t) for name, t in model.state_dict().items())


def test_groups_of_no_depth_are_neither_written_nor_missed(tmp_path: Path) -> None:
    config = tiny_config(num_hidden_layers=22, num_hidden_groups=22)
    model = model_of(config, "none")
    prefix = exported(tmp_path, model)
    groups = {name.split("/")[3] for name in tensors_of(prefix) if "group_" in name}
    assert groups == {f"group_{config.group(depth)}" for depth in range(22)}
    again = load_model(import_google(prefix, tmp_path / "again").folder)
    ids = torch.arange(8)[None]
    assert torch.equal(again(ids).sequence, model.eval()(ids).sequence)  # type: ignore[operator]


# What checkpoints have besides the model, or in another way.


def test_what_the_optimiser_keeps_is_skipped_and_counted(checkpoint: Path, tmp_path: Path) -> None:
    tensors = tensors_of(checkpoint)
    slots = {f"{n}/{s}": t for n, t in tensors.items() for s in ("adam_m", "adam_v")}
    slots |= {"global_step": torch.tensor(125_000), "beta1_power": torch.tensor(0.9)}
    plain = import_google(checkpoint, tmp_path / "plain")
    alter(checkpoint, {**slots})
    made = import_google(checkpoint, tmp_path / "made")
    assert outcomes(made) == {**outcomes(plain), "skipped": 2 * len(tensors) + 2}
    weights = (folder / "model.safetensors" for folder in (plain.folder, made.folder))
    assert next(weights).read_bytes() == next(weights).read_bytes()


def test_a_modules_prefix_is_left_out(checkpoint: Path, tmp_path: Path) -> None:
    plain = import_google(checkpoint, tmp_path / "plain")
    tensors = tensors_of(checkpoint)
    for prefix in ("module/", "albert/module/"):
        named = {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
        rewrite(checkpoint, {**named, "global_step": torch.tensor(1)})
        made = import_google(checkpoint, tmp_path / "made")
        assert outcomes(made) == {**outcomes(plain), "skipped": 1}
        assert any(f'"{prefix}"' in note for note in made.report.notes)
        assert (made.folder / "model.safetensors").read_bytes() == (
            plain.folder / "model.safetensors"
        ).read_bytes()


def test_halves_are_read_as_they_are(checkpoint: Path, tmp_path: Path) -> None:
    tensors = {name: tensor.to(torch.bfloat16) for name, tensor in tensors_of(checkpoint).items()}
    rewrite(checkpoint, tensors)
    model = load_model(import_google(checkpoint, tmp_path / "made").folder)
    pooler = model.state_dict()["encoder.pooler.bias"]
    assert torch.equal(pooler, tensors["bert/pooler/dense/bias"].float())


def test_one_output_is_a_classifiers_unless_it_is_called_a_choice(tmp_path: Path) -> None:
    prefix = exported(tmp_path, model_of(tiny_config(), "choice"))
    configured(prefix, litebert=None)
    assert import_google(prefix, tmp_path / "a").head == "classification"
    assert import_google(prefix, tmp_path / "b", head="choice").head == "choice"
    prefix = exported(tmp_path / "three", model_of(tiny_config(), "classification"))
    with pytest.raises(ModelFolderError, match="has not one output"):
        import_google(prefix, tmp_path / "c", head="choice")


def test_a_head_that_is_not_wanted_is_skipped(checkpoint: Path, tmp_path: Path) -> None:
    made = import_google(checkpoint, tmp_path / "made", head="none")
    assert made.head == "none"
    assert outcomes(made)["skipped"] == 7
    alter(checkpoint, {"output_weights": torch.zeros(2, 16), "output_bias": torch.zeros(2)})
    with pytest.raises(ModelFolderError, match="holds classifier and masked_lm and sentence_order"):
        import_google(checkpoint, tmp_path / "mixed")
    made = import_google(checkpoint, tmp_path / "mixed", head="classification")
    assert outcomes(made)["skipped"] == 7


# Strict: whatever is missing or unknown is an error that lists it.


def test_missing_unknown_and_misshapen_variables_are_listed_at_once(
    checkpoint: Path, tmp_path: Path
) -> None:
    alter(
        checkpoint,
        {
            "bert/pooler/dense/bias": None,
            "bert/adapter/kernel": torch.zeros(2),
            "global_stride": torch.zeros(()),
            f"{LAYER}/LayerNorm/gamma": torch.zeros(3),
            f"{LAYER}/LayerNorm_1/gamma": torch.zeros(16, dtype=torch.int32),
        },
    )
    with pytest.raises(ModelFolderError) as caught:
        import_google(checkpoint, tmp_path / "made")
    message = str(caught.value)
    assert "1 missing: bert/pooler/dense/bias" in message
    assert "2 unexpected: bert/adapter/kernel, global_stride" in message
    assert f"1 of the wrong shape: {LAYER}/LayerNorm/gamma (3,) instead of (16,)" in message
    assert f"1 not floating-point: {LAYER}/LayerNorm_1/gamma" in message
    assert not (tmp_path / "made").exists()


HEADS_OF_PRETRAINING = [
    *("cls/predictions/output_bias", "cls/predictions/transform/LayerNorm/beta"),
    *("cls/predictions/transform/LayerNorm/gamma", "cls/predictions/transform/dense/bias"),
    *("cls/predictions/transform/dense/kernel", "cls/seq_relationship/output_bias"),
    "cls/seq_relationship/output_weights",
]
POOLER = ["bert/pooler/dense/bias", "bert/pooler/dense/kernel"]


@pytest.mark.parametrize(
    ("gone", "head"),
    [
        (HEADS_OF_PRETRAINING, "none"),
        (HEADS_OF_PRETRAINING[5:], "masked_lm"),
        (HEADS_OF_PRETRAINING[5:] + POOLER, "masked_lm"),
        (HEADS_OF_PRETRAINING + POOLER, "none"),
        (POOLER, "masked_lm"),
        (HEADS_OF_PRETRAINING[:5], "none"),
        (HEADS_OF_PRETRAINING[:1], "none"),
        (HEADS_OF_PRETRAINING[5:6], "masked_lm"),
    ],
)
def test_a_backbone_is_imported_where_that_is_allowed(
    gone: list[str], head: Head, checkpoint: Path, tmp_path: Path
) -> None:
    alter(checkpoint, dict.fromkeys(gone))
    with pytest.raises(ModelFolderError, match=f"{len(gone)} missing: .*--allow-missing-heads"):
        import_google(checkpoint, tmp_path / "made")
    made = import_google(checkpoint, tmp_path / "made", allow_missing_heads=True)
    assert made.head == head
    missing = {row.stored: row.shape for row in made.report.rows if row.outcome == "missing"}
    assert sorted(missing) == sorted(gone)
    assert missing.get("bert/pooler/dense/kernel", (16, 16)) == (16, 16)
    assert missing.get("cls/predictions/transform/dense/kernel", (16, 8)) == (16, 8)
    model = load_model(made.folder)
    assert ("encoder.pooler.weight" in model.state_dict() or head == "none") or POOLER[0] in gone
    if head == "none" and POOLER[0] not in gone:
        assert "pooler.weight" in model.state_dict()


def test_what_is_left_of_a_head_is_skipped(checkpoint: Path, tmp_path: Path) -> None:
    alter(checkpoint, {HEADS_OF_PRETRAINING[0]: None})
    made = import_google(checkpoint, tmp_path / "made", allow_missing_heads=True)
    skipped = {row.stored for row in made.report.rows if row.outcome == "skipped"}
    assert skipped == {*HEADS_OF_PRETRAINING[1:]}


@pytest.mark.parametrize("prefix", ["", "..", "a/b", "../a", "a\0b", 'a"b', "-a", "x" * 250])
def test_a_prefix_is_the_beginning_of_a_file_name(
    prefix: str, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="is not the beginning of a file name"):
        export_google(tmp_path / "model", tmp_path / "out", prefix)
    assert not (tmp_path / "out").exists()
    assert export_google(tmp_path / "model", tmp_path / "out", "model.ckpt-125").variables == 32


def test_an_export_does_not_lie_in_the_model_it_is_of(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="lie within each other"):
        export_google(tmp_path / "model", tmp_path / "model" / "google")


def test_a_head_that_is_wanted_must_be_whole(tmp_path: Path) -> None:
    prefix = exported(tmp_path, model_of(tiny_config(), "classification"))
    for gone in (["output_bias"], POOLER):
        alter(prefix, dict.fromkeys(gone))
        for allowed in (False, True):
            with pytest.raises(ModelFolderError, match=f"missing: .*{gone[-1]}"):
                import_google(prefix, tmp_path / "made", None, None, "classification", allowed)
    made = import_google(prefix, tmp_path / "made", allow_missing_heads=True)
    assert made.head == "none"


def test_a_head_that_is_not_there_cannot_be_wanted(checkpoint: Path, tmp_path: Path) -> None:
    for allowed in (False, True):
        with pytest.raises(ModelFolderError, match="has no answerable_span, which"):
            import_google(checkpoint, tmp_path / "made", None, None, "answerable_span", allowed)
    with pytest.raises(ConfigError, match="did you mean"):
        import_google(checkpoint, tmp_path / "made", head="spam")  # type: ignore[arg-type]


def test_checkpoints_of_other_models_are_refused(tmp_path: Path) -> None:
    for names, words in (
        (["dense/kernel"], "holds no ALBERT or BERT"),
        (["layer/kernel/.ATTRIBUTES/VARIABLE_VALUE"], "tf.train.Checkpoint or Keras"),
        ([f"{t}/bert/embeddings/word_embeddings" for t in ("a", "b")], "or several"),
        ([], "holds no ALBERT or BERT"),
    ):
        rewrite(tmp_path / "model.ckpt", {name: torch.zeros(2, 2) for name in names})
        with pytest.raises(ModelFolderError, match=words):
            import_google(tmp_path / "model.ckpt", tmp_path / "made")


def test_more_layers_than_there_are_variables_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    said = {"sharing": "all", "num_hidden_groups": 4000}
    configured(checkpoint, num_hidden_groups=4000, num_hidden_layers=4000, litebert=said)
    alter(checkpoint, dict.fromkeys(HEADS_OF_PRETRAINING))
    with pytest.raises(ModelFolderError, match="asks for 4000 layers"):
        import_google(checkpoint, tmp_path / "made")
    configured(checkpoint, num_hidden_groups=1, litebert={**said, "sharing": "none"})
    with pytest.raises(ModelFolderError, match="asks for 4000 layers"):
        import_google(checkpoint, tmp_path / "made")


def test_depths_that_are_said_to_be_equal_are_compared(tmp_path: Path) -> None:
    prefix = exported(tmp_path, model_of(tiny_config(sharing="attention")))
    name = "bert/encoder/transformer/group_3/inner_group_0/attention_1/self/key/bias"
    alter(prefix, {name: torch.ones(16)})
    with pytest.raises(ModelFolderError, match=f"{name} differ"):
        import_google(prefix, tmp_path / "again")


# Configuration and vocabulary.


def test_without_a_configuration_the_presets_that_fit_are_named(
    checkpoint: Path, tmp_path: Path
) -> None:
    config = checkpoint.with_name("albert_config.json").rename(tmp_path / "config.json")
    with pytest.raises(ModelFolderError, match=r"not beside it; .*--config \(no preset fits it\)"):
        import_google(checkpoint, tmp_path / "made")
    assert import_google(checkpoint, tmp_path / "made", str(config)).config == tiny_config()
    with pytest.raises(ConfigError, match="neither a configuration file nor a preset"):
        import_google(checkpoint, tmp_path / "made", str(tmp_path / "nowhere.json"))
    with pytest.raises(ModelFolderError, match=r"word_embeddings \(40, 8\) instead of \(30000"):
        import_google(checkpoint, tmp_path / "made", "albert-base-v2")


def test_leftover_keys_are_ignored_and_named(checkpoint: Path, tmp_path: Path) -> None:
    configured(checkpoint, layers_to_keep=[])
    notes = " ".join(import_google(checkpoint, tmp_path / "made").report.notes)
    assert "gap_size" in notes
    assert "layers_to_keep" in notes


def test_the_vocabulary_beside_it_comes_along_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    save_model(tmp_path / "model", model_of(tiny_config(vocab_size=60)), tokenizer)
    prefix = export_google(tmp_path / "model", tmp_path / "checkpoint").prefix
    made = import_google(prefix, tmp_path / "made")
    assert made.vocabulary == "spiece.model"
    for name in ("spiece.model", "tokenizer.json"):
        theirs, ours = (folder / name for folder in (tmp_path / "model", made.folder))
        assert ours.read_bytes() == theirs.read_bytes()
    save_model(tmp_path / "larger", model_of(tiny_config(vocab_size=70)), tokenizer)
    prefix = export_google(tmp_path / "larger", tmp_path / "rows").prefix
    notes = import_google(prefix, tmp_path / "made").report.notes
    assert any("60 pieces, the model 70" in note for note in notes)
    prefix = exported(tmp_path / "small", model_of(tiny_config()))
    vocabulary = tmp_path / "model" / "spiece.model"
    with pytest.raises(ModelFolderError, match="60 pieces, the model 40"):
        import_google(prefix, tmp_path / "made", vocabulary=vocabulary)
    assert import_google(prefix, tmp_path / "made").vocabulary is None


BERTS_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Zoo", "zoo", "##s", "动"]


def test_a_list_of_word_pieces_and_their_case_survive_the_way(tmp_path: Path) -> None:
    config = tiny_config(vocab_size=9, hidden_act="relu")
    prefix = exported(tmp_path / "multi_cased_L-2", model_of(config))
    prefix.with_name("vocab.txt").write_text("\n".join(BERTS_PIECES))
    lower = import_google(prefix, tmp_path / "lower")
    assert lower.vocabulary == "vocab.txt"
    assert any("give --cased" in note for note in lower.report.notes)
    assert Tokenizer.load(lower.folder).encode("Zoos 动") == [6, 7, 8]
    cased = import_google(prefix, tmp_path / "cased", cased=True)
    assert not any("--cased" in note for note in cased.report.notes)
    assert Tokenizer.load(cased.folder).encode("Zoos 动") == [5, 7, 8]
    export_google(cased.folder, tmp_path / "out")
    assert (tmp_path / "out" / "vocab.txt").read_text().split("\n")[:9] == BERTS_PIECES
    again = import_google(tmp_path / "out", tmp_path / "again")
    assert Tokenizer.load(again.folder) == Tokenizer.load(cased.folder)


def test_a_sentencepiece_model_keeps_the_case_when_told_to(tmp_path: Path) -> None:
    save_model(tmp_path / "model", model_of(tiny_config(vocab_size=60)), small_tokenizer())
    prefix = export_google(tmp_path / "model", tmp_path / "checkpoint").prefix
    prefix.with_name("tokenizer_config.json").unlink()
    ids = [
        Tokenizer.load(import_google(prefix, tmp_path / name, cased=cased).folder).encode("The")
        for name, cased in (("lower", False), ("cased", True))
    ]
    assert ids[0] == small_tokenizer().encode("the") != ids[1]


# Files.


def test_the_report_says_what_became_of_every_variable(checkpoint: Path, tmp_path: Path) -> None:
    made = import_google(checkpoint, tmp_path / "made")
    written = json.loads((made.folder / "import.json").read_text())
    assert written == json.loads(json.dumps(made.report.as_dict()))
    assert written["source"] == str(checkpoint)
    rows = {row["stored"]: row for row in written["tensors"]}
    with Bundle(checkpoint) as bundle:
        assert {name: tuple(row["shape"]) for name, row in rows.items()} == bundle.shapes
    kernel = rows["bert/pooler/dense/kernel"]
    assert (kernel["outcome"], kernel["note"]) == ("converted", "transposed")
    assert rows["cls/seq_relationship/output_weights"]["outcome"] == "loaded"


def test_an_archive_is_imported_and_nothing_of_it_stays(checkpoint: Path, tmp_path: Path) -> None:
    archive = tmp_path / "albert_base_v2.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(checkpoint.parent, "albert_base")
    made = import_google(archive, tmp_path / "models" / "made")
    assert made.report.where == f"{archive} (model.ckpt-best)"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["made"]
    with pytest.raises(ModelFolderError, match=str(archive)):
        import_google(archive, tmp_path / "models" / "again", head="span")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["made"]


def test_a_model_folder_is_replaced_and_nothing_else(checkpoint: Path, tmp_path: Path) -> None:
    import_google(checkpoint, tmp_path / "made", head="none")
    assert import_google(checkpoint, tmp_path / "made").head == "pretraining"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    for write in (
        lambda: import_google(checkpoint, tmp_path / "mine"),
        lambda: export_google(tmp_path / "made", tmp_path / "mine"),
        lambda: export_google(tmp_path / "made", tmp_path / "made"),
    ):
        with pytest.raises(StorageError, match="not empty"):
            write()


def test_an_export_is_named_as_it_should_be(checkpoint: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    made = export_google(model, tmp_path / "out", "model.ckpt-125000")
    assert sorted(path.name for path in made.folder.iterdir()) == [
        *("albert_config.json", "checkpoint", "model.ckpt-125000.data-00000-of-00001"),
        "model.ckpt-125000.index",
    ]
    assert made.size == sum(path.stat().st_size for path in made.folder.iterdir())
    assert import_google(made.folder, tmp_path / "again").head == "pretraining"
    for prefix in ("", "../evil", "a/b"):
        with pytest.raises(ConfigError, match="file name"):
            export_google(model, tmp_path / "other", prefix)


@pytest.mark.parametrize(
    ("name", "cases"),
    [("albert_config.json", 60), ("checkpoint", 12), (".index", 30), (".data-00000-of-00001", 30)],
)
def test_damage_is_a_typed_error_or_a_whole_model(name: str, cases: int, checkpoint: Path) -> None:
    stem = checkpoint.name if name.startswith(".") else ""
    file = checkpoint.with_name(f"{stem}{name}")
    whole, dice = file.read_bytes(), random.Random(name)
    for case in range(cases):
        place = dice.randrange(len(whole))
        if case % 3 == 0:
            file.write_bytes(whole[:place])
        elif case % 3 == 1:
            file.write_bytes(whole[:place] + dice.randbytes(3) + whole[place + 3 :])
        else:
            old, new = dice.choice(b'0123456789,:{"'), dice.choice(b"0789,]")
            file.write_bytes(whole.replace(bytes([old]), bytes([new])))
        out = checkpoint.parent.parent / "damaged"
        shutil.rmtree(out, ignore_errors=True)
        began = time.monotonic()
        try:
            import_google(checkpoint.parent, out)
        except LitebertError:
            assert not out.exists()
        else:
            load_model(out)
        assert time.monotonic() - began < 1
