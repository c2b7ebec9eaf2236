"""Archives made to hurt: each ends in a named problem or a typed error, soon, in little memory, touching nothing."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from forensics.attestation.processes import worker_context
from forensics.compare.archive_entry import ArchiveLimits
from forensics.compare.archive_pool import Job, read_many
from forensics.compare.archives import read_contents
from forensics.model.checked import Checked, NotChecked
from forensics.model.contents import Contents
from forensics.model.errors import HostileInput, MalformedEvidence
from tests.compare.making import record, sdist, tarred, wheel, zipped

WHEEL, SDIST, ZIP, NPM = "thing-1.0-py3-none-any.whl", "thing-1.0.tar.gz", "thing-1.0.zip", "thing-1.0.0.tgz"
SMALL = ArchiveLimits(unpacked=2**22, ratio_from=2**20, members=1000, metadata=2**16, directory=2**20)


@pytest.fixture(autouse=True)
def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is written, wherever one stands; nothing takes more than a few dozen MiB."""
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 2**20
    assert list(tmp_path.rglob("*")) == []


def _problems(data: bytes, name: str) -> str:
    return "; ".join(read_contents(data, name).problems)


def _zeros(mib: int) -> bytes:
    machine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"".join(machine.compress(bytes(2**20)) for _ in range(mib)) + machine.flush()


def _zip(entries: list[tuple[bytes, bytes, dict[str, int]]], tail: bytes = b"") -> bytes:
    """A zip archive of raw parts: name, packed bytes, and fields of either header that are not as they should be."""
    out, central = b"", b""
    for name, packed, fields in entries:
        f = {"method": 0, "crc": zlib.crc32(packed), "size": len(packed), "flags": 0, "offset": len(out), **fields}
        sizes = (f["crc"], len(packed), f["size"])
        local_name = b"other.py" if fields.get("local") else name
        out += struct.pack("<4s5H3L2H", b"PK\3\4", 20, f["flags"], f["method"], 0, 33, *sizes, len(local_name), 0)
        out += local_name + packed
        central += struct.pack(
            "<4s6H3L5H2L", b"PK\1\2", 20, 20, f["flags"], f["method"], 0, 33, *sizes, len(name), 0, 0, 0, 0,
            f.get("mode", 0o100644) << 16, f["offset"],
        ) + name  # fmt: skip
    count = len(entries) & 0xFFFF
    return out + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(central), len(out), 0) + tail


def _tar(*members: tuple[str, bytes, dict[str, object]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data, more in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for key, value in more.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1)


def _header(name: bytes, size: bytes, kind: bytes = b"0") -> bytes:
    head = bytearray(512)
    head[: len(name)], head[124 : 124 + len(size)], head[156:157] = name, size, kind
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


# Bombs


def test_a_zip_bomb_stops_at_the_ratio() -> None:
    data = _zip([(b"a", _zeros(64), {"method": 8, "size": 64 * 2**20})])
    with pytest.raises(HostileInput, match="200 times"):
        read_contents(data, ZIP)


def test_a_gzip_bomb_stops_at_the_ratio() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = machine.compress(_header(b"a", b"%011o\0" % (2**33 - 1)))
    bomb += b"".join(machine.compress(bytes(2**20)) for _ in range(64)) + machine.flush()
    with pytest.raises(HostileInput, match="200 times"):
        read_contents(bomb, SDIST)


def test_a_bomb_below_the_ratio_stops_at_the_size() -> None:
    noise = bytes(range(256)) * 64
    data = zipped({f"{n}": noise * 8 for n in range(40)})
    with pytest.raises(HostileInput, match="unpacks to more than"):
        read_contents(data, ZIP, ArchiveLimits(unpacked=2**22, ratio=10**9))


def test_overlapping_members_multiply_nothing() -> None:
    kernel = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = kernel.compress(b"x" * 10_000) + kernel.flush()
    entry = {"method": 8, "size": 10_000, "crc": zlib.crc32(b"x" * 10_000), "offset": 0}
    data = _zip([(b"a", packed, {**entry}), (b"a", packed, {**entry})])
    assert "share the same bytes" in _problems(data, ZIP)


def test_nested_archives_are_files_and_not_opened() -> None:
    inner = zipped({"a.txt": b"x"})
    for _ in range(20):
        inner = zipped({"a.zip": inner})
    assert [m.path for m in read_contents(inner, ZIP).members] == ["a.zip"]


# Names


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("../../etc/passwd", "climbs out"),
        ("/etc/passwd", "absolute name"),
        ("C:/x.py", "absolute name"),
        ("thing\\..\\x.py", "backslash"),
        ("a/" * 100 + "x", "longer or deeper"),
        ("x" * 5000, "longer or deeper"),
        ("thing/\u202egpj.py", "hidden or reordering"),
        ("thing/\x1b[31m.py", "hidden or reordering"),
    ],
)
@pytest.mark.parametrize("kind", [ZIP, SDIST, NPM])
def test_names(name: str, problem: str, kind: str) -> None:
    data = zipped({name: b"x"}) if kind == ZIP else tarred({name: b"x"})
    contents = read_contents(data, kind)
    assert problem in "; ".join(contents.problems)
    assert not any("\x1b" in line or "\u202e" in line for line in contents.problems)


def test_the_same_name_twice_and_by_case() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in (("a.py", b"first"), ("a.py", b"last"), ("A.py", b"x"), ("a.py/b", b"x")):
                archive.writestr(name, data)
    contents = read_contents(buffer.getvalue(), ZIP)
    text = "; ".join(contents.problems)
    assert "the same name twice" in text
    assert "case does not count" in text
    assert "a file and a directory" in text
    assert next(m for m in contents.members if m.path == "a.py").size == 4, "the last one is what is installed"


@pytest.mark.parametrize("count", [1001, 2000])
def test_too_many_members(count: int) -> None:
    data = zipped({str(n): b"" for n in range(count)})
    with pytest.raises(HostileInput, match="more than 1,000 members"):
        read_contents(data, ZIP, SMALL)
    with pytest.raises(HostileInput, match="more than 1,000 members"):
        read_contents(tarred({str(n): b"" for n in range(count)}), SDIST, SMALL)


def test_a_million_names() -> None:
    tracemalloc.stop()  # counting every allocation of 100,000 members takes ten times as long as reading them
    machine = zlib.compressobj(1, zlib.DEFLATED, 31)
    start = machine.compress(_header(b"first", b"0" * 11)) + machine.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block stands alone, so that its packed form can be repeated.
    block = machine.compress(b"".join(_header(b"%04d" % n, b"0" * 11) for n in range(1000)))
    data = start + (block + machine.flush(zlib.Z_FULL_FLUSH)) * 1000
    with pytest.raises(HostileInput):
        read_contents(data, SDIST)
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 16) + b""
    central = entry * 1_000_000
    ends = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(central), 0, 0)
    with pytest.raises(HostileInput, match="directory of the archive is larger"):
        read_contents(central + ends, ZIP)


# What is no file


def test_links_devices_and_directories() -> None:
    data = _tar(
        ("thing/link", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("thing/hard", b"", {"type": tarfile.LNKTYPE, "linkname": "../x"}),
        ("thing/pipe", b"", {"type": tarfile.FIFOTYPE}),
        ("thing/tty", b"", {"type": tarfile.CHRTYPE}),
        ("thing", b"", {"type": tarfile.DIRTYPE}),
        ("thing/a.py", b"x", {}),
    )
    contents = read_contents(data, SDIST)
    assert [m.path for m in contents.members] == ["thing/a.py"]
    assert sum("link" in line for line in contents.problems) == 2
    assert sum("special file" in line for line in contents.problems) == 2
    linked = _zip([(b"a", b"/etc/passwd", {"mode": 0o120777}), (b"b.py", b"x", {})])
    assert "link: a" in _problems(linked, ZIP)


# Two readings of one archive


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (_zip([(b"a.py", b"x", {"local": 1})]), "local header and directory disagree"),
        (_zip([(b"a.py", b"x", {"flags": 1})]), "encrypted"),
        (_zip([(b"a.py", b"x", {"method": 99})]), "installers do not read"),
        (_zip([(b"a.py", b"x", {"offset": 9999})]), "no local header"),
        (_zip([(b"a.py", b"x", {"size": 7})]), "cannot be read, for its size"),
        (_zip([(b"a.py", b"x", {"crc": 7})]), "cannot be read, for its checksum"),
        (_zip([(b"a.py", b"\xff\xff", {"method": 8})]), "cannot be read, for it cannot be unpacked"),
        (_zip([(b"a.py", b"x", {})], tail=b"more"), "bytes after the end"),
        (b"#!/bin/sh\n" + _zip([(b"a.py", b"x", {})]), "bytes before the beginning"),
        (_zip([]), "holds no file"),
    ],
)
def test_zip_archives_that_say_two_things(data: bytes, problem: str) -> None:
    contents = read_contents(data, ZIP)
    assert problem in "; ".join(contents.problems)
    for member in contents.members:
        assert member.blob == "" or member.size == 1


def test_a_record_that_lies() -> None:
    files = {"thing/a.py": b"x", "thing/b.py": b"y"}
    lying = record(
        {"thing/a.py": b"z", "thing/gone.py": b"", "thing-1.0.dist-info/METADATA": b""}, "thing-1.0.dist-info"
    )
    text = _problems(wheel(files, RECORD=lying), WHEEL)
    assert "RECORD states another digest than the file has: thing/a.py" in text
    assert "RECORD lists a file that is not there: thing/gone.py" in text
    assert "file that RECORD does not list: thing/b.py" in text
    assert "no RECORD" in _problems(zipped({"a.py": b"x"}), WHEEL)


def test_compressed_files_in_a_row_and_what_follows() -> None:
    whole = tarred({"thing-1.0/a.py": b"x"})
    assert "several compressed files" in _problems(whole + gzip.compress(bytes(512)), SDIST)
    assert "after the end of the compressed file" in _problems(whole + b"\0\0\0", SDIST)
    plain = gzip.decompress(whole)
    assert "after the end of the archive" in _problems(gzip.compress(plain + b"#" * 512), SDIST)
    assert "no end mark" in _problems(gzip.compress(plain[:1024]), SDIST)


def test_pax_headers() -> None:
    long = _tar(("thing/a.py", b"x", {"pax_headers": {"path": "thing/" + "y" * 5000 + ".py"}}))
    assert "longer or deeper" in _problems(long, SDIST)
    sparse = _tar(("thing/a.py", b"x", {"pax_headers": {"GNU.sparse.major": "1"}}))
    assert "cannot be read, for it is sparse" in _problems(sparse, SDIST)
    huge = _header(b"p", b"%011o\0" % (2**30), b"x")
    with pytest.raises(HostileInput, match="header of the tar archive is larger"):
        read_contents(gzip.compress(huge), SDIST)
    resized = _tar(("thing/a.py", b"x" * 600, {"pax_headers": {"size": "1"}}), ("thing/b.py", b"y", {}))
    with pytest.raises(MalformedEvidence):
        read_contents(resized, SDIST)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a gzip file"),
        (b"\x1f\x8b\x08", "cut short"),
        (gzip.compress(b"x" * 511), "cut short"),
        (gzip.compress(b"x" * 512), "checksum|malformed"),
        (gzip.compress(_header(b"a", b"\xff" * 12)), "negative size"),
        (gzip.compress(_header(b"a", b"9" * 11)), "malformed"),
        (gzip.compress(_header(b"a", b"%011o\0" % 10_000)), "cut short"),
        (gzip.compress(_header(b"p", b"%011o\0" % 9, b"x") + b"99 path=x" + bytes(503)), "pax header"),
        (gzip.compress(_header(b"a", b"\x80" + b"\x7f" * 11)), "cut short"),
        (gzip.compress(b"x" * 600)[:-9], "damaged|cut short|checksum|malformed"),
    ],
)
def test_tar_archives_that_cannot_be_read(data: bytes, message: str) -> None:
    with pytest.raises(MalformedEvidence, match=message):
        read_contents(data, SDIST)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\5\6",
        b"PK\5\6" + b"\xff" * 18,
        b"PK\6\7" + b"\xff" * 16 + b"PK\5\6" + b"\xff" * 16 + b"\0\0",
        b"x" * 100,
    ],
)
def test_what_is_no_zip_archive(data: bytes) -> None:
    with pytest.raises((MalformedEvidence, HostileInput)):
        read_contents(data, ZIP)


def test_other_kinds_are_not_read() -> None:
    with pytest.raises(MalformedEvidence, match="are not read"):
        read_contents(b"MZ", "thing-1.0.exe")
    with pytest.raises(HostileInput, match="larger than"):
        read_contents(b"x" * 11, ZIP, ArchiveLimits(packed=10))


@pytest.mark.parametrize("seed", range(6))
def test_damage_anywhere_is_a_problem_or_a_typed_error(seed: int) -> None:
    import random

    chance = random.Random(seed)
    for data, name in ((wheel({"thing/a.py": b"import os\n" * 50}), WHEEL), (tarred({"t/a.py": b"x" * 900}), SDIST)):
        for _ in range(120):
            broken = bytearray(gzip.decompress(data) if name == SDIST else data)
            for _ in range(chance.randrange(1, 8)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            try:
                found = read_contents(gzip.compress(bytes(broken), 1) if name == SDIST else bytes(broken), name)
            except (MalformedEvidence, HostileInput):
                continue
            assert isinstance(found, Contents)


# npm tarballs


def test_an_npm_tarball_from_hell() -> None:
    data = _tar(
        ("package/package.json", b'{"scripts": {"postinstall": "node ../../../x.js"}, "main": "/etc/passwd"}', {}),
        ("package/index.js", b"require('../../../../etc/shadow')", {}),
        ("package/index.js", b"eval(atob(x))", {}),
        ("package/node_modules", b"", {"type": tarfile.SYMTYPE, "linkname": "/usr/lib/node_modules"}),
        ("../outside.js", b"x", {}),
    )
    contents = read_contents(data, NPM)
    text = "; ".join(contents.problems)
    for problem in ("the same name twice", "link: package/node_modules", "climbs out"):
        assert problem in text
    assert not any("etc" in member.path for member in contents.members)
    last = next(m for m in contents.members if m.path == "package/index.js")
    assert last.reaches == ("decoded code",), "the last of two is the one that is installed"


@pytest.mark.parametrize(
    "described",
    [
        b"{",
        b"[]",
        b'{"scripts": {"install": "' + b"node x.js " * 100_000 + b'"}}',
        b'{"exports": ' + b"[" * 50_000,
        b'{"exports": {' + b",".join(b'"./%d": "./%d.js"' % (n, n) for n in range(20_000)) + b"}}",
        b'{"dependencies": {' + b",".join(b'"a%d": "x/y"' % n for n in range(20_000)) + b"}}",
    ],
)
def test_descriptions_from_hell_end_soon(described: bytes) -> None:
    data = _tar(("package/package.json", described, {}), ("package/index.js", b"", {}))
    assert len(read_contents(data, NPM).members) == 2


@pytest.mark.parametrize("build", [b"a = " + b"1" * 5000, b"a." * 500_000 + b"b = 1"])
@pytest.mark.timeout(20)
def test_a_description_that_cannot_be_read_hides_no_file(build: bytes) -> None:
    found = read_contents(
        sdist({"pyproject.toml": build, "setup.py": b"import os\nos.system('id')\n"}), "thing-1.0.tar.gz"
    )
    assert found.hooks == ("setup.py",)
    assert next(m for m in found.members if m.path.endswith("setup.py")).reaches


def test_an_npm_bomb_stops_at_the_ratio() -> None:
    machine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = machine.compress(_header(b"package/x.js", b"%011o\0" % (2**33 - 1)))
    bomb += b"".join(machine.compress(bytes(2**20)) for _ in range(64)) + machine.flush()
    with pytest.raises(HostileInput, match="200 times"):
        read_contents(bomb, NPM)


def test_a_script_too_large_to_be_kept_is_a_problem_where_it_runs_unasked() -> None:
    large = b"//" + bytes(range(32, 127)) * 50_000
    data = _tar(
        ("package/package.json", b'{"scripts": {"preinstall": "node big.js"}}', {}), ("package/big.js", large, {})
    )
    assert "larger than what is kept to be read, though it runs at install: package/big.js" in _problems(data, NPM)


# Workers


def test_a_worker_that_dies_costs_one_artifact(monkeypatch: pytest.MonkeyPatch) -> None:
    good = wheel({"thing/__init__.py": b""})
    names = [WHEEL, "kill-1.0-py3-none-any.whl", WHEEL, "thing-1.0.exe", WHEEL]
    monkeypatch.setattr("forensics.compare.archive_pool._contents", _maybe_killed)
    loads: list[Callable[[], bytes | None]] = [lambda: good] * 4 + [lambda: None]
    outcomes = read_many([Job(name, load) for name, load in zip(names, loads, strict=True)], workers=2)
    assert [isinstance(outcome, Checked) for outcome in outcomes] == [True, False, True, False, False]
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, NotChecked)]
    assert "died of it" in reasons[0]
    assert "are not read" in reasons[1]
    assert "does not hold" in reasons[2]


def _maybe_killed(data: bytes, filename: str) -> Contents | str:
    import os
    import signal

    if filename.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        return read_contents(data, filename)
    except MalformedEvidence as error:
        return error.what


def test_workers_have_limits() -> None:
    from forensics.compare.archive_pool import _Workers

    with _Workers(1) as pool:
        memory, wrote = pool.each(_greedy, [(lambda: b"memory",), (lambda: b"write",)])
    assert memory == "MemoryError"
    assert wrote != "written"


def test_a_worker_that_read_archives_ends_with_its_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=worker_context()) as pool:
        assert pool.submit(_read_one).result(60) == 1
        workers = list((pool._processes or {}).values())
        pool.shutdown(wait=False)
        workers[0].join(30)
        ended = workers[0].exitcode == 0
        if not ended:
            workers[0].kill()
    assert ended, "the worker waits for its own idle workers"


def _read_one() -> int:
    found = read_many([Job(WHEEL, partial(wheel, {"thing/__init__.py": b""}))], workers=1)[0]
    assert isinstance(found, Checked)
    return len(found.value.members) - 3


def _greedy(what: bytes) -> str:
    import tempfile

    try:
        if what == b"memory":
            return str(len(bytearray(4 * 2**30)))
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 100_000)
            file.flush()
    except (MemoryError, OSError) as error:
        return type(error).__name__
    return "written"
