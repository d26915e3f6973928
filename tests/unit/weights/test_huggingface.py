"""Hugging Face folders as people have them: complete, incomplete, old, odd and wrong."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from fakes import tiny_config
from in_transformers import assert_equal_bits, random_model
from litebert.cli.main import main
from litebert.encoder.config import EncoderConfig
from litebert.encoder.models import Head, head_of
from litebert.foundation.errors import LitebertError, ModelFolderError, StorageError
from litebert.tasks.prediction.predictor import load_predictor
from litebert.weights.folder import load_encoder, load_fine_tuned, load_model, save_model
from litebert.weights.huggingface import import_huggingface
from small_models import small_tokenizer

Tensors = dict[str, Tensor]
ALBERT = tiny_config(num_hidden_layers=2)
BERT = tiny_config(num_hidden_layers=2, family="bert", sharing="none", embedding_size=16)
WORD = "albert.embeddings.word_embeddings.weight"


def foreign(
    place: Path,
    head: Head = "pretraining",
    config: EncoderConfig = ALBERT,
    tensors: Callable[[Tensors], Tensors] = dict,
    without: tuple[str, ...] = (),
    pooler: bool = False,
    **changes: Any,
) -> Path:
    """A folder as transformers saves it, its tensors and `config.json` changed."""
    folder = place / "theirs"
    save_model(folder, random_model(head, config, pooler))
    values = json.loads((folder / "config.json").read_text())
    for key in ("litebert", *without):
        del values[key]
    (folder / "config.json").write_text(json.dumps({**values, **changes}))
    path = folder / "model.safetensors"
    save_file(tensors(load_file(path)), path, metadata={"format": "pt"})
    return folder


def but(*parts: str) -> Callable[[Tensors], Tensors]:
    """The tensors without those whose name has one of the parts."""
    return lambda given: {n: t for n, t in given.items() if not any(part in n for part in parts)}


def outcomes(folder: Path) -> dict[str, list[str]]:
    """The names by what became of them, as `import.json` says."""
    rows = json.loads((folder / "import.json").read_text())["tensors"]
    every = {row["outcome"] for row in rows}
    return {out: [row["stored"] for row in rows if row["outcome"] == out] for out in every}


def state(folder: Path) -> Tensors:
    return load_model(folder).state_dict()


# Names and forms of files.


@pytest.mark.parametrize("config", [ALBERT, BERT], ids=["albert", "bert"])
@pytest.mark.parametrize("head", ["none", "pretraining", "classification", "tagging", "span"])
def test_a_folder_is_imported_as_it_is(head: Head, config: EncoderConfig, tmp_path: Path) -> None:
    made = import_huggingface(foreign(tmp_path, head, config), tmp_path / "ours")
    assert made.head == head
    loaded = load_model(tmp_path / "ours")
    assert_equal_bits(random_model(head, config), loaded)
    assert list(outcomes(tmp_path / "ours")) == ["loaded"]


def renamed(change: Callable[[str], str]) -> Callable[[Tensors], Tensors]:
    return lambda given: {change(name): tensor for name, tensor in given.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda name: name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ),
        lambda name: f"module.{name}",
        lambda name: f"model.module.{name}",
    ],
    ids=["gamma and beta", "module.", "model.module."],
)
@pytest.mark.parametrize("config", [ALBERT, BERT], ids=["albert", "bert"])
def test_names_of_old_and_wrapped_models_are_known(
    config: EncoderConfig, change: Callable[[str], str], tmp_path: Path
) -> None:
    import_huggingface(foreign(tmp_path, config=config, tensors=renamed(change)), tmp_path / "ours")
    assert_equal_bits(random_model("pretraining", config), load_model(tmp_path / "ours"))


@pytest.mark.parametrize("beginning", ["", "module."])
def test_an_encoder_has_its_familys_name_in_front_or_not(beginning: str, tmp_path: Path) -> None:
    for number, front in enumerate((beginning, f"{beginning}albert.")):
        theirs = foreign(tmp_path, "none", tensors=renamed(lambda name, f=front: f + name))
        import_huggingface(theirs, tmp_path / f"{number}")
        assert_equal_bits(random_model("none", ALBERT), load_model(tmp_path / f"{number}"))


def test_both_copies_of_the_decoder_and_constants_are_accounted_for(tmp_path: Path) -> None:
    def with_copies(given: Tensors) -> Tensors:
        return given | {
            "predictions.decoder.weight": given[WORD].clone(),
            "predictions.decoder.bias": given["predictions.bias"].clone(),
            "albert.embeddings.position_ids": torch.arange(32)[None],
        }

    import_huggingface(foreign(tmp_path, tensors=with_copies), tmp_path / "ours")
    found = outcomes(tmp_path / "ours")
    assert found["converted"] == ["predictions.decoder.weight", "predictions.decoder.bias"]
    assert found["skipped"] == ["albert.embeddings.position_ids"]


def test_a_decoder_stands_in_for_what_it_is_tied_to(tmp_path: Path) -> None:
    change = renamed(lambda name: name.replace("predictions.bias", "predictions.decoder.bias"))
    import_huggingface(foreign(tmp_path, tensors=change), tmp_path / "ours")
    assert_equal_bits(random_model("pretraining", ALBERT), load_model(tmp_path / "ours"))


def test_halves_are_stored_as_floats_and_that_is_said(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, tensors=lambda given: {n: t.half() for n, t in given.items()})
    notes = import_huggingface(theirs, tmp_path / "ours").report.notes
    assert f"{len(state(tmp_path / 'ours'))} tensors are F16: they are stored as F32" in notes


@pytest.mark.parametrize("name", ["weights.safetensors", "albert_base.safetensors"])
def test_the_only_safetensors_may_have_any_name(name: str, tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    (theirs / "model.safetensors").rename(theirs / name)
    made = import_huggingface(theirs, tmp_path / "ours")
    assert made.report.where == str(theirs / name)
    (theirs / "another.safetensors").touch()
    with pytest.raises(ModelFolderError, match=r"another\.safetensors, .* no model\.safetensors"):
        import_huggingface(theirs, tmp_path / "again")


def test_a_models_cache_of_links_is_read(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    (tmp_path / "snapshot").mkdir()
    for path in theirs.iterdir():
        (tmp_path / "snapshot" / path.name).symlink_to(path)
    import_huggingface(tmp_path / "snapshot", tmp_path / "ours")
    assert (tmp_path / "ours" / "model.safetensors").is_file()
    assert not (tmp_path / "ours" / "model.safetensors").is_symlink()


# Which head, and what is missing or too much.


def test_the_file_tells_of_heads_that_the_configuration_does_not(tmp_path: Path) -> None:
    """bert-base-uncased calls itself BertForMaskedLM, and holds the head of sentence pairs too."""
    theirs = foreign(tmp_path, config=BERT, architectures=["BertForMaskedLM"])
    made = import_huggingface(theirs, tmp_path / "ours")
    assert made.head == "pretraining"
    assert "the file has the heads of BertForPreTraining" in made.report.notes[0]
    assert head_of(load_model(theirs)) == "pretraining"


@pytest.mark.parametrize(
    ("head", "pooler", "taken"),
    [
        ("pretraining", True, "pretraining"),
        ("masked_lm", True, "masked_lm"),
        ("classification", True, "classification"),
        ("tagging", False, "tagging"),
        ("span", False, "span"),
        ("none", True, "none"),
    ],
)
def test_without_architectures_the_file_tells(
    head: Head, pooler: bool, taken: Head, tmp_path: Path
) -> None:
    theirs = foreign(tmp_path, head, pooler=pooler, without=("architectures",))
    assert import_huggingface(theirs, tmp_path / "ours").head == taken


LACKING: list[tuple[Head, tuple[str, ...], Head, int]] = [
    ("none", ("pooler",), "none", 2),
    ("pretraining", ("sop_classifier",), "masked_lm", 2),
    ("pretraining", ("predictions.dense",), "none", 2),
    ("pretraining", ("pooler",), "masked_lm", 2),
    ("masked_lm", ("predictions",), "none", 5),
    ("classification", ("classifier",), "none", 2),
    ("classification", ("pooler",), "none", 2),
    ("span", ("qa_outputs.bias",), "none", 1),
]


@pytest.mark.parametrize(("head", "gone", "taken", "count"), LACKING)
def test_what_a_head_lacks_is_listed_and_only_left_out_where_that_is_allowed(
    head: Head, gone: tuple[str, ...], taken: Head, count: int, tmp_path: Path
) -> None:
    theirs = foreign(tmp_path, head, tensors=but(*gone))
    with pytest.raises(ModelFolderError) as caught:
        import_huggingface(theirs, tmp_path / "ours")
    assert f"{count} missing: " in str(caught.value)
    assert gone[0] in str(caught.value)
    assert "give --allow-missing-heads" in str(caught.value)
    assert not (tmp_path / "ours").exists()
    made = import_huggingface(theirs, tmp_path / "ours", allow_missing_heads=True)
    assert (made.head, made.report.counts()["missing"][0]) == (taken, count)
    assert any("begins at random weights" in note for note in made.report.notes)
    # What is taken is what was there, and every tensor of the file is in the report.
    whole = {
        n.removeprefix("encoder."): t for n, t in random_model(head, ALBERT).state_dict().items()
    }
    kept = {n.removeprefix("encoder."): t for n, t in state(tmp_path / "ours").items()}
    assert kept
    assert all(torch.equal(whole[name], tensor) for name, tensor in kept.items())
    found = outcomes(tmp_path / "ours")
    named = sorted(name for out, names in found.items() if out != "missing" for name in names)
    assert named == sorted(load_file(theirs / "model.safetensors"))


def test_what_transformers_would_make_up_at_random_is_not_made_up(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, "none", tensors=but("pooler"))
    import_huggingface(theirs, tmp_path / "ours", allow_missing_heads=True)
    assert load_encoder(tmp_path / "ours").pooler is None
    assert "makes up a pooler at random" in (tmp_path / "ours" / "README.md").read_text()


def test_a_backbone_must_be_whole_in_any_case(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, tensors=but("ffn_output", "sop_classifier"))
    with pytest.raises(ModelFolderError, match=r"2 missing: .*ffn_output"):
        import_huggingface(theirs, tmp_path / "ours", allow_missing_heads=True)


def test_what_is_not_known_is_an_error_in_any_case(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, tensors=lambda given: given | {"x\x1b.weight": torch.zeros(2)})
    for allowed in (False, True):
        with pytest.raises(ModelFolderError, match="1 unexpected: x\N{REPLACEMENT CHARACTER}"):
            import_huggingface(theirs, tmp_path / "ours", allow_missing_heads=allowed)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    def wrong(given: Tensors) -> Tensors:
        given = but("sop_classifier")(given)
        return given | {
            "extra": torch.zeros(1),
            "predictions.bias": torch.zeros(3),
            "predictions.dense.bias": torch.zeros(8, dtype=torch.int64),
        }

    with pytest.raises(ModelFolderError) as caught:
        import_huggingface(foreign(tmp_path, tensors=wrong), tmp_path / "ours")
    for words in ("2 missing", "1 unexpected", "1 of the wrong shape", "1 not floating-point"):
        assert words in str(caught.value)


def test_a_model_for_the_next_sentence_alone_is_a_backbone(tmp_path: Path) -> None:
    theirs = foreign(
        tmp_path,
        config=BERT,
        tensors=but("cls.predictions"),
        architectures=["BertForNextSentencePrediction"],
    )
    with pytest.raises(ModelFolderError, match=r"missing: cls\.predictions"):
        import_huggingface(theirs, tmp_path / "ours")
    import_huggingface(theirs, tmp_path / "ours", allow_missing_heads=True)
    skipped = ["cls.seq_relationship.bias", "cls.seq_relationship.weight"]
    assert sorted(outcomes(tmp_path / "ours")["skipped"]) == skipped


# Configuration.


def test_the_family_that_is_not_named_is_told_from_what_only_it_has(tmp_path: Path) -> None:
    for config, family in ((ALBERT, "albert"), (BERT, "bert")):
        theirs = foreign(tmp_path, config=config, without=("model_type", "architectures"))
        made = import_huggingface(theirs, tmp_path / family)
        assert made.config == config
        assert f"by what it holds it is {family}" in made.report.notes[0]


def test_leftover_keys_are_named_without_their_control_characters(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, gap_size=0, **{"x\x1b\ud800": 1})
    notes = import_huggingface(theirs, tmp_path / "ours").report.notes
    assert notes[0].startswith("config.json: gap_size, x\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    ("key", "value"),
    [("is_decoder", True), ("position_embedding_type", "relative_key"), ("hidden_act", "silu")],
)
def test_what_would_compute_something_else_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=rf"config\.json: {key} .* is not supported"):
        import_huggingface(foreign(tmp_path, **{key: value}), tmp_path / "ours")


def test_gelu_means_the_exact_one_unless_it_is_asked_otherwise(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, hidden_act="gelu")
    assert import_huggingface(theirs, tmp_path / "ours").config.hidden_act == "gelu_erf"
    made = import_huggingface(theirs, tmp_path / "ours", hidden_act="gelu_new")
    assert made.config.hidden_act == "gelu"
    assert "'gelu': 'gelu_new' as asked for" in made.report.notes[0]
    with pytest.raises(ModelFolderError, match="'gelo' is not supported: gelu_new, gelu, relu"):
        import_huggingface(theirs, tmp_path / "ours", hidden_act="gelo")


def test_a_published_shape_that_says_gelu_is_warned_of(tmp_path: Path) -> None:
    """The published v1 and v2 said so once, though they were trained with the approximation."""
    config = EncoderConfig.preset("albert-base-v2")
    notes = import_huggingface(
        foreign(tmp_path, "none", config, hidden_act="gelu"), tmp_path / "ours"
    ).report.notes
    found = [note for note in notes if "albert-base-v1 and albert-base-v2" in note]
    assert [note.endswith("--hidden-act gelu_new") for note in found] == [True]


def test_labels_are_kept_and_lone_surrogates_replaced(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, "classification", id2label={"0": "low", "1": "\ud800", "2": "hïgh"})
    import_huggingface(theirs, tmp_path / "ours")
    labels = ["low", "\N{REPLACEMENT CHARACTER}", "hïgh"]
    assert load_fine_tuned(tmp_path / "ours")[1] == {"kind": "classification", "labels": labels}


def test_labels_that_do_not_fit_are_told(tmp_path: Path) -> None:
    theirs = foreign(tmp_path, "tagging", id2label={"0": "low", "1": "high"})
    notes = import_huggingface(theirs, tmp_path / "ours").report.notes
    assert "id2label does not name 3 outputs: they are called LABEL_0 …" in notes


@pytest.mark.parametrize("kind", ["regression", "multi_label_classification"])
def test_a_task_of_another_kind_is_kept_and_not_taken_for_a_choice_of_labels(
    kind: str, tmp_path: Path
) -> None:
    theirs = foreign(tmp_path, "classification", problem_type=kind)
    import_huggingface(theirs, tmp_path / "ours")
    assert load_fine_tuned(tmp_path / "ours")[1]["kind"] == kind
    assert json.loads((tmp_path / "ours" / "config.json").read_text())["problem_type"] == kind
    for folder in (theirs, tmp_path / "ours"):
        with pytest.raises(ModelFolderError, match=r"needs 1|none that can be run"):
            load_predictor(folder)


# Vocabulary.


def test_the_tokenizer_comes_along_or_from_elsewhere(tmp_path: Path) -> None:
    tokenizer = small_tokenizer()
    config = tiny_config(vocab_size=tokenizer.vocab_size + 4)
    theirs = foreign(tmp_path, "classification", config)
    made = import_huggingface(theirs, tmp_path / "none")
    assert made.vocabulary is None
    assert any("no vocabulary is beside the weights" in note for note in made.report.notes)
    tokenizer.save(tmp_path / "elsewhere")
    import_huggingface(theirs, tmp_path / "other", vocabulary=tmp_path / "elsewhere")
    tokenizer.save(theirs)
    made = import_huggingface(theirs, tmp_path / "ours")
    assert made.vocabulary == "spiece.model"
    assert any("the last rows of its embeddings are never used" in n for n in made.report.notes)
    for folder in ("ours", "other"):
        assert load_predictor(tmp_path / folder).tokenizer == tokenizer
    assert "With `AutoTokenizer`" in (tmp_path / "ours" / "README.md").read_text()
    assert "The folder has no tokenizer." in (tmp_path / "none" / "README.md").read_text()


def test_a_vocabulary_of_another_model_is_refused(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    small_tokenizer().save(theirs)
    with pytest.raises(ModelFolderError, match="the vocabulary has 60 pieces, the model 40"):
        import_huggingface(theirs, tmp_path / "ours")


# Files.


def test_pickles_are_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    tensors = load_file(theirs / "model.safetensors")
    (theirs / "model.safetensors").unlink()
    torch.save(tensors, theirs / "pytorch_model-1.bin")
    files = dict.fromkeys(tensors, "pytorch_model-1.bin")
    index = theirs / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": files}))
    with pytest.raises(
        ModelFolderError, match=r"is a pickle, which is a program: .*--allow-pickle"
    ):
        import_huggingface(theirs, tmp_path / "ours")
    import_huggingface(theirs, tmp_path / "ours", allow_pickle=True)
    assert_equal_bits(random_model("pretraining", ALBERT), load_model(tmp_path / "ours"))
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", "ours"}


def test_folders_without_weights_say_what_they_hold_instead(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    (theirs / "model.safetensors").rename(theirs / "tf_model.h5")
    with pytest.raises(ModelFolderError, match=r"holds no weights: .*tf_model\.h5 is not read"):
        import_huggingface(theirs, tmp_path / "ours")
    (theirs / "config.json").unlink()
    with pytest.raises(ModelFolderError, match=r"no config\.json"):
        import_huggingface(theirs, tmp_path / "ours")
    (theirs / "model.ckpt-best.index").touch()
    with pytest.raises(ModelFolderError, match="run litebert import google"):
        import_huggingface(theirs, tmp_path / "ours")
    with pytest.raises(ModelFolderError, match="litebert downloads nothing"):
        import_huggingface("albert/albert-base-v2", tmp_path / "ours")


@pytest.mark.parametrize("number", [float("nan"), float("-inf")])
def test_numbers_that_are_none_are_reported(number: float, tmp_path: Path) -> None:
    def spoiled(given: Tensors) -> Tensors:
        given[WORD][3, 1] = number
        return given

    made = import_huggingface(foreign(tmp_path, tensors=spoiled), tmp_path / "ours")
    (note,) = (note for note in made.report.notes if "NaN" in note)
    assert note.startswith("1 tensor holds numbers that are infinite or none (NaN): encoder.embed")
    whole = import_huggingface(foreign(tmp_path / "whole"), tmp_path / "ours")
    assert not any("NaN" in note for note in whole.report.notes)


def test_the_original_is_never_changed(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    before = {path.name: path.read_bytes() for path in theirs.iterdir()}
    (tmp_path / "link").symlink_to(theirs)
    for out in (theirs, theirs / "ours", tmp_path, tmp_path / "link"):
        with pytest.raises(LitebertError):
            import_huggingface(theirs, out)
    import_huggingface(theirs, tmp_path / "ours")
    assert {path.name: path.read_bytes() for path in theirs.iterdir()} == before


def test_an_older_model_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    import_huggingface(theirs, tmp_path / "ours")
    import_huggingface(theirs, tmp_path / "ours")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(StorageError, match="not empty"):
        import_huggingface(theirs, tmp_path / "mine")
    (theirs / "model.safetensors").write_bytes(b"damaged")
    shutil.rmtree(tmp_path / "mine")
    with pytest.raises(ModelFolderError, match="damaged"):
        import_huggingface(theirs, tmp_path / "mine")
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", "ours"}


def test_the_command_prints_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    theirs = foreign(tmp_path, tensors=but("sop_classifier"))
    arguments = ["import", "huggingface", str(theirs), str(tmp_path / "ours")]
    assert main(arguments) == 2
    assert "give --allow-missing-heads" in capsys.readouterr().err
    assert main([*arguments, "--allow-missing-heads"]) == 0
    printed = capsys.readouterr().out
    assert "head        masked_lm" in printed
    assert "missing: sop_classifier.classifier.weight (2, 16): not in the file" in printed
    assert "note: no vocabulary is beside the weights" in printed
