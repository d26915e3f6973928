"""Archives from elsewhere: what is wanted comes out, and nothing else happens."""

import gzip
import io
import random
import stat
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from litebert.foundation.errors import LitebertError, ModelFolderError, StorageError
from litebert.weights import archive
from litebert.weights.archive import is_archive, unpack

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", **changes: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def packed(path: Path, *members: Member, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def unpacked(path: Path, wanted: Callable[[str], bool] = lambda name: True) -> dict[str, bytes]:
    folder = path.with_name("unpacked")
    folder.mkdir()
    unpack(path, folder, wanted)
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("name", "mode"), [("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar", "w")]
)
def test_wanted_files_are_unpacked_under_their_paths(name: str, mode: str, tmp_path: Path) -> None:
    members = (
        member("albert_base/", type=tarfile.DIRTYPE),
        member("albert_base/model.index", b"index"),
        member("./albert_base/assets/a.json", b"{}"),
        member("albert_base/model.meta", b"a graph"),
    )
    path = packed(tmp_path / name, *members, mode=mode)
    assert is_archive(path)
    files = unpacked(path, lambda name: not name.endswith(".meta"))
    assert files == {"albert_base/model.index": b"index", "albert_base/assets/a.json": b"{}"}


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes], kind: int = 8) -> Path:
    with zipfile.ZipFile(path, "w", kind) as file:
        for name, content in members:
            file.writestr(name, content)
    return path


def test_what_an_archive_is_says_its_content(tmp_path: Path) -> None:
    """Browsers unpack what they download and keep the name; others change the case of it."""
    plain = packed(tmp_path / "a.tar", member("a", b"1"), mode="w").read_bytes()
    for number, (name, data) in enumerate(
        [("b.tar.gz", plain), ("c.tar", gzip.compress(plain)), ("D.TGZ", gzip.compress(plain))]
    ):
        place = tmp_path / f"{number}"
        place.mkdir()
        (place / name).write_bytes(data)
        assert is_archive(place / name)
        assert unpacked(place / name) == {"a": b"1"}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_wanted_files_of_a_zip_are_unpacked_under_their_paths(kind: int, tmp_path: Path) -> None:
    large = random.Random(0).randbytes(3_000_000)
    members = [("bert/", b""), ("bert/b.ckpt.index", b"1"), ("bert/b.meta", b"2"), ("c", large)]
    path = zipped(tmp_path / "bert.zip", *members, kind=kind)
    assert is_archive(path)
    seen: list[int] = []
    (tmp_path / "out").mkdir()
    unpack(path, tmp_path / "out", lambda name: name != "b.meta", seen.append)
    files = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*")}
    assert files == {"bert", "bert/b.ckpt.index", "c"}
    assert (tmp_path / "out" / "c").read_bytes() == large
    assert len(large) < sum(seen) < 2 * len(large)


def zip_member(name: str, **changes: object) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    for key, value in changes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    "bad",
    [
        zip_member("../evil"),
        zip_member("a/../../evil"),
        zip_member("/evil"),
        zip_member("..\\evil"),
        zip_member("C:evil"),
        zip_member("link", external_attr=(stat.S_IFLNK | 0o777) << 16),
        zip_member("fifo", external_attr=(stat.S_IFIFO | 0o777) << 16),
        zip_member("packed", compress_type=zipfile.ZIP_LZMA),
    ],
    ids=lambda bad: bad.filename,
)
@pytest.mark.parametrize("wanted", [True, False])
def test_what_could_do_harm_in_a_zip_is_refused(
    bad: zipfile.ZipInfo, wanted: bool, tmp_path: Path
) -> None:
    path = zipped(tmp_path / "a.zip", (bad, b"/etc"))
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelFolderError, match=r"a\.zip is damaged or not to be trusted"):
        unpack(path, tmp_path / "out", lambda name: wanted)
    assert {p.name for p in tmp_path.rglob("*")} == {"a.zip", "out"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_bomb_a_double_or_a_lock_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = zipped(tmp_path / "a.zip", ("a", bytes(90_000_000)))
    with pytest.raises(ModelFolderError, match="unpacks to more than"):
        unpacked(bomb)
    double = zipped(tmp_path / "b.zip", ("a", b"1"), ("./a", b"2"))
    with pytest.raises(ModelFolderError, match="twice"):
        unpack(double, tmp_path / "unpacked", lambda name: True)
    data = bytearray(zipped(tmp_path / "c.zip", ("c", b"1")).read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "c.zip").write_bytes(data)
    with pytest.raises(ModelFolderError, match="encrypted"):
        unpack(tmp_path / "c.zip", tmp_path / "unpacked", lambda name: True)
    monkeypatch.setattr(archive, "_MOST_MEMBERS", 5)
    many = zipped(tmp_path / "d.zip", *((f"{n}", b"") for n in range(6)))
    with pytest.raises(ModelFolderError, match="more than 5 members"):
        unpack(many, tmp_path / "unpacked", lambda name: True)
    monkeypatch.setattr(archive, "_LONGEST_READ", 100)
    with pytest.raises(ModelFolderError, match="bytes at once"):
        unpack(many, tmp_path / "unpacked", lambda name: True)


def test_progress_is_told_in_bytes_of_the_archive(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", member("a", random.Random(0).randbytes(3_000_000)))
    seen: list[int] = []
    (tmp_path / "out").mkdir()
    unpack(path, tmp_path / "out", lambda name: True, seen.append)
    assert sum(seen) == path.stat().st_size
    assert len(seen) > 3


@pytest.mark.parametrize(
    "bad",
    [
        member("../evil", b"x"),
        member("a/../../evil", b"x"),
        member("/evil", b"x"),
        member("..\\evil", b"x"),
        member("C:evil", b"x"),
        member("link", type=tarfile.SYMTYPE, linkname="/etc"),
        member("hard", type=tarfile.LNKTYPE, linkname="../../evil"),
        member("fifo", type=tarfile.FIFOTYPE),
        member("device", type=tarfile.CHRTYPE),
        member("sparse", type=tarfile.GNUTYPE_SPARSE),
    ],
    ids=lambda bad: bad[0].name,
)
@pytest.mark.parametrize("wanted", [True, False])
def test_what_could_do_harm_is_refused(bad: Member, wanted: bool, tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", bad)
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelFolderError, match=r"a\.tar\.gz is damaged or not to be trusted"):
        unpack(path, tmp_path / "out", lambda name: wanted)
    assert {p.name for p in tmp_path.rglob("*")} == {"a.tar.gz", "out"}


def test_a_file_that_is_in_it_twice_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", member("a", b"1"), member("./a", b"2"))
    with pytest.raises(ModelFolderError, match="twice"):
        unpacked(path)


def test_a_file_where_a_folder_is_needed_is_said(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", member("a", b"1"), member("a/b", b"2"))
    with pytest.raises((StorageError, ModelFolderError)):
        unpacked(path)


def test_a_bomb_is_refused_before_it_goes_off(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.tar.gz", member("a", bytes(90_000_000)))
    (tmp_path / "out").mkdir()
    for wanted in (True, False):
        with pytest.raises(ModelFolderError, match="unpacks to more than"):
            unpack(path, tmp_path / "out", lambda name: wanted)  # noqa: B023


def test_a_header_that_claims_to_be_huge_is_refused(tmp_path: Path) -> None:
    long = tarfile.TarInfo("x" * 50_000)  # GNU and pax put such a name into a member of its own
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        data = long.tobuf(form) + bytes(1024)
        (tmp_path / "a.tar").write_bytes(data)
        (tmp_path / "out").mkdir(exist_ok=True)
        with pytest.raises(ModelFolderError, match="a header of"):
            unpack(tmp_path / "a.tar", tmp_path / "out", lambda name: True)


def test_headers_without_end_are_refused(tmp_path: Path) -> None:
    nested = tarfile.TarInfo("././@LongLink")
    nested.type, nested.size = tarfile.GNUTYPE_LONGNAME, 2
    block = nested.tobuf(tarfile.GNU_FORMAT) + b"x\0".ljust(512, b"\0")
    (tmp_path / "a.tar").write_bytes(block * 3000 + bytes(1024))
    with pytest.raises(ModelFolderError, match="not to be trusted"):
        unpacked(tmp_path / "a.tar")


def test_members_without_number_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_MOST_MEMBERS", 5)
    path = packed(tmp_path / "a.tar.gz", *(member(f"{n}") for n in range(6)))
    with pytest.raises(ModelFolderError, match="more than 5 members"):
        unpacked(path)


def test_a_damaged_zip_is_a_typed_error_within_a_second(tmp_path: Path) -> None:
    dice = random.Random(0)
    contents = {f"folder/{n}": dice.randbytes(dice.choice([0, 10, 5000])) for n in range(12)}
    whole, refused = zipped(tmp_path / "a.zip", *contents.items()).read_bytes(), 0
    directory = whole.index(b"PK\1\2")
    for case in range(300):
        data = bytearray(whole)
        if case % 3 == 0:
            del data[dice.randrange(len(data)) :]
        else:
            place = dice.randrange(directory if case % 3 == 1 else 0, len(data) - 4)
            data[place : place + 4] = dice.randbytes(4)
        (tmp_path / "b.zip").write_bytes(data)
        folder = tmp_path / f"out{case}"
        folder.mkdir()
        began = time.monotonic()
        try:
            unpack(tmp_path / "b.zip", folder, lambda name: True)
        except LitebertError:
            refused += 1
        assert time.monotonic() - began < 1
    assert refused > 150
    assert {p.name[:3] for p in tmp_path.iterdir()} == {"a.z", "b.z", "out"}


def test_damage_is_a_typed_error_within_a_second(tmp_path: Path) -> None:
    dice = random.Random(0)
    contents = {f"folder/{n}": dice.randbytes(dice.choice([0, 10, 5000])) for n in range(12)}
    path = packed(tmp_path / "a.tar", *(member(*item) for item in contents.items()), mode="w")
    plain, refused = path.read_bytes(), 0
    for case in range(300):
        zipped = case % 2 == 0
        target = tmp_path / ("b.tar.gz" if zipped else "b.tar")
        data = bytearray(gzip.compress(plain, 1) if zipped else plain)
        kind = case % 3
        if kind == 0:
            del data[dice.randrange(len(data)) :]
        else:
            # Headers begin at multiples of 512: half of the damage is there.
            place = dice.randrange(len(data))
            place = place if kind == 1 or zipped else place // 512 * 512 + dice.randrange(260)
            data[place : place + 4] = dice.randbytes(4)
        target.write_bytes(data)
        folder = tmp_path / f"out{case}"
        folder.mkdir()
        began = time.monotonic()
        try:
            unpack(target, folder, lambda name: True)
        except LitebertError:
            refused += 1
        assert time.monotonic() - began < 1
    assert refused > 150
    assert {p.name[:3] for p in tmp_path.iterdir()} == {"a.t", "b.t", "out"}
