"""The index, file store and advisories over real HTTP, at several moments."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import tomllib
import xmlrpc.client
import zipfile
from datetime import UTC, datetime
from email.parser import BytesParser

import httpx
import pytest

from tests.lab import LabServer, build_world, serve
from tests.lab.known import write_known
from tests.lab.scenario import parse_scenario
from tests.test_lab.minimal import MINIMAL

PROJECT = "/index/simple/ultralytics/"
LEGACY = "/index/pypi/ultralytics/json"
WHILE_LISTED = datetime(2024, 12, 4, 21, 30, tzinfo=UTC)
BAD = "8.3.41"
REMOVED = ("8.3.41", "8.3.42", "8.3.45", "8.3.46")


def simple(client: httpx.Client) -> dict:
    answer = client.get(PROJECT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.pypi.simple.v1+json"
    return answer.json()


def wheel_of(version: str) -> str:
    return f"ultralytics-{version}-py3-none-any.whl"


def test_simple_page(client: httpx.Client, server: LabServer) -> None:
    page = simple(client)
    assert page["meta"]["api-version"] == "1.4"
    assert isinstance(page["meta"]["_last-serial"], int)
    assert page["name"] == "ultralytics"
    assert page["project-status"] == {"status": "active"}
    assert not set(REMOVED) & set(page["versions"])
    assert "8.3.48" in page["versions"]
    for item in page["files"]:
        assert item["provenance"].startswith(f"{server.base}/index/integrity/ultralytics/")
        assert item["yanked"] is False
        assert isinstance(item["size"], int)
        datetime.strptime(item["upload-time"], "%Y-%m-%dT%H:%M:%S.%f%z")


def test_files_have_the_digests_that_the_index_names(client: httpx.Client) -> None:
    for item in simple(client)["files"][-4:]:
        data = client.get(item["url"]).content
        blake = hashlib.blake2b(data, digest_size=32).hexdigest()
        assert hashlib.sha256(data).hexdigest() == item["hashes"]["sha256"]
        assert f"/packages/{blake[:2]}/{blake[2:4]}/{blake[4:]}/{item['filename']}" in item["url"]
        if item["core-metadata"]:
            metadata = client.get(f"{item['url']}.metadata").content
            assert hashlib.sha256(metadata).hexdigest() == item["core-metadata"]["sha256"]


def test_a_removed_release_is_listed_before_and_gone_after(client: httpx.Client, server: LabServer) -> None:
    where = f"/index/integrity/ultralytics/{BAD}/{wheel_of(BAD)}/provenance"
    server.moment = WHILE_LISTED
    assert BAD in simple(client)["versions"]
    assert BAD in client.get(LEGACY).json()["releases"]
    assert client.get(f"/index/pypi/ultralytics/{BAD}/json").json()["info"]["version"] == BAD
    assert client.get(where).json()["version"] == 1
    assert "8.3.43" not in simple(client)["versions"]
    server.moment = server.world.scenario.as_of
    assert BAD not in simple(client)["versions"]
    assert BAD not in client.get(LEGACY).json()["releases"]
    assert client.get(f"/index/pypi/ultralytics/{BAD}/json").status_code == 404
    gone = client.get(where)
    assert gone.status_code == 404
    assert gone.json()["message"] == "Not Found"


def test_removal_takes_hold_at_its_second(server: LabServer) -> None:
    removed = server.world.release(BAD).removed
    assert removed is not None
    before = server.world.at(removed.replace(hour=9, minute=14, second=59)).index
    assert BAD in before.simple(server.urls)["versions"]
    assert BAD not in server.world.at(removed).index.simple(server.urls)["versions"]


def test_the_file_store_keeps_removed_bytes(client: httpx.Client, server: LabServer) -> None:
    for stored in server.world.files_of(BAD):
        answer = client.get(f"/files/packages/{stored.path}")
        assert answer.status_code == 200
        assert hashlib.sha256(answer.content).hexdigest() == stored.sha256
    server.moment = datetime(2024, 12, 1, tzinfo=UTC)
    assert client.get(f"/files/packages/{server.world.files_of(BAD)[0].path}").status_code == 404


def test_integrity_tells_no_provenance_from_no_file(client: httpx.Client, server: LabServer) -> None:
    server.moment = datetime(2024, 12, 7, 2, 0, tzinfo=UTC)
    name = wheel_of("8.3.45")
    answer = client.get(f"/index/integrity/ultralytics/8.3.45/{name}/provenance")
    assert (answer.status_code, answer.json()) == (404, {"message": f"No provenance available for {name}"})
    (item,) = [item for item in simple(client)["files"] if item["filename"] == name]
    assert item["provenance"] is None
    never = client.get("/index/integrity/ultralytics/8.3.99/ultralytics-8.3.99.tar.gz/provenance")
    assert (never.status_code, never.json()) == (404, {"message": "Not Found"})


def test_integrity_content_types(client: httpx.Client) -> None:
    where = f"/index/integrity/ultralytics/8.3.48/{wheel_of('8.3.48')}/provenance"
    answer = client.get(where, headers={"Accept": "application/vnd.pypi.integrity.v1+json"})
    assert answer.headers["content-type"] == "application/vnd.pypi.integrity.v1+json"
    assert client.get(where, headers={"Accept": "text/html"}).status_code == 406


def test_legacy_json(client: httpx.Client) -> None:
    page = client.get(LEGACY).json()
    assert page["info"]["version"] == "8.3.48"
    assert page["vulnerabilities"] == []
    assert {item["packagetype"] for item in page["urls"]} == {"sdist", "bdist_wheel"}
    item = page["releases"]["8.3.40"][0]
    assert item["upload_time_iso_8601"] == "2024-12-02T15:03:30.000000Z"
    assert item["digests"]["sha256"]
    version = client.get("/index/pypi/ultralytics/8.3.40/json").json()
    assert "releases" not in version
    assert version["urls"] == page["releases"]["8.3.40"]


def test_unknown_projects_and_names(client: httpx.Client) -> None:
    for path in ("/index/simple/absent/", "/index/pypi/absent/json", "/index/integrity/absent/1/a.whl/provenance"):
        assert client.get(path).status_code == 404
    answer = client.get("/index/pypi/Ultralytics/json")
    assert answer.status_code == 301
    assert answer.headers["location"].endswith(LEGACY)


def test_nothing_exists_before_the_first_release(client: httpx.Client, server: LabServer) -> None:
    server.moment = datetime(2024, 1, 1, tzinfo=UTC)
    assert client.get(PROJECT).status_code == 404
    assert client.get(LEGACY).status_code == 404


def test_conditional_requests(client: httpx.Client, server: LabServer) -> None:
    first = client.get(PROJECT)
    assert int(first.headers["x-pypi-last-serial"]) == first.json()["meta"]["_last-serial"]
    again = client.get(PROJECT, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    server.moment = WHILE_LISTED
    assert client.get(PROJECT, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_yank_and_quarantine() -> None:
    text = MINIMAL + "yanked = true\n"
    text += '[[release]]\nversion = "1.1.0"\npublished = 2026-02-01T10:00:00Z\ndoor = "trusted-attested"\n'
    text += 'files = ["wheel"]\nquarantined = true\n'
    with (
        serve(build_world(parse_scenario(text, "small.toml"))) as server,
        httpx.Client(base_url=server.base, headers={"Accept": "application/json"}, trust_env=False) as client,
    ):
        page = client.get("/index/simple/small/").json()
        assert [(item["filename"], item["yanked"]) for item in page["files"]] == [
            ("small-1.0.0.tar.gz", True),
            ("small-1.0.0-py3-none-any.whl", True),
        ]
        assert list(client.get("/index/pypi/small/json").json()["releases"]) == ["1.0.0"]
        kept = client.get("/index/integrity/small/1.1.0/small-1.1.0-py3-none-any.whl/provenance")
        assert kept.status_code == 200
        server.moment = datetime(2026, 2, 1, 11, tzinfo=UTC)
        assert client.get("/index/simple/small/").json()["versions"] == ["1.0.0", "1.1.0"]


def test_journal(client: httpx.Client, server: LabServer) -> None:
    def call(method: str, *arguments: object):
        body = xmlrpc.client.dumps(arguments, method)
        answer = client.post("/index/pypi", content=body, headers={"Content-Type": "text/xml"})
        (value,), _ = xmlrpc.client.loads(answer.content)
        return value

    rows = call("changelog_since_serial", 0)
    assert rows[-1][4] == call("changelog_last_serial")
    assert [row[4] for row in rows] == sorted({row[4] for row in rows})
    assert {row[1] for row in rows if row[3] == "remove release"} == set(REMOVED)
    assert [row[3] for row in rows if row[1] == BAD] == [
        "new release",
        f"add source file ultralytics-{BAD}.tar.gz",
        f"add py3 file {wheel_of(BAD)}",
        "remove release",
    ]
    assert call("changelog_since_serial", rows[-3][4]) == rows[-2:]
    with pytest.raises(xmlrpc.client.Fault):
        call("search", {})


def test_advisories_by_moment(client: httpx.Client, server: LabServer) -> None:
    package = {"name": "ultralytics", "ecosystem": "PyPI"}
    found = client.post("/osv/v1/query", json={"package": package}).json()["vulns"]
    assert [record["id"] for record in found] == ["PYSEC-2024-154"]
    assert found[0]["affected"][0]["versions"] == list(REMOVED)
    assert found[0]["published"] == "2024-12-10T00:00:00Z"
    assert client.post("/osv/v1/query", json={"package": package, "version": BAD}).json()["vulns"] == found
    assert client.post("/osv/v1/query", json={"package": package, "version": "8.3.40"}).json() == {}
    assert client.post("/osv/v1/query", json={"package": {"name": "ultralytics", "ecosystem": "pypi"}}).json() == {}
    by_purl = {"package": {"purl": f"pkg:pypi/ultralytics@{BAD}"}}
    assert client.post("/osv/v1/query", json=by_purl).json()["vulns"] == found
    assert client.post("/osv/v1/query", json={**by_purl, "version": BAD}).status_code == 400
    batch = client.post("/osv/v1/querybatch", json={"queries": [by_purl, {"package": {"name": "x"}}]}).json()
    assert batch == {"results": [{"vulns": [{"id": "PYSEC-2024-154", "modified": "2024-12-10T00:00:00Z"}]}, {}]}
    assert client.get("/osv/v1/vulns/PYSEC-2024-154").json() == found[0]
    server.moment = datetime(2024, 12, 9, 23, 59, tzinfo=UTC)
    assert client.post("/osv/v1/query", json={"package": package}).json() == {}
    assert client.get("/osv/v1/vulns/PYSEC-2024-154").status_code == 404


def test_malicious_packages_record() -> None:
    world = build_world("litellm-2026-03")
    view = world.at(world.scenario.as_of).osv
    record = view.record("MAL-2026-2144")
    assert record is not None
    assert record["aliases"] == ["PYSEC-2026-2"]
    (origin,) = record["database_specific"]["malicious-packages-origins"]
    assert origin["import_time"] == "2026-03-24T18:00:00Z"
    assert origin["versions"] == ["1.82.7", "1.82.8"]


def wheel_files(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def sdist_files(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        found = {}
        for member in archive.getmembers():
            handle = archive.extractfile(member)
            assert handle is not None
            found[member.name.partition("/")[2]] = handle.read()
        return found


def test_artifacts_are_valid_distributions(server: LabServer) -> None:
    sdist, wheel = server.world.files_of("8.3.40")
    files = wheel_files(wheel.artifact.data)
    info = "ultralytics-8.3.40.dist-info"
    record = dict(line.split(",", 1) for line in files[f"{info}/RECORD"].decode().splitlines())
    assert set(record) == set(files)
    for name, data in files.items():
        if not name.endswith("RECORD"):
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            assert record[name] == f"sha256={digest},{len(data)}"
    metadata = BytesParser().parsebytes(files[f"{info}/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("ultralytics", "8.3.40")
    sources = sdist_files(sdist.artifact.data)
    assert BytesParser().parsebytes(sources["PKG-INFO"])["Version"] == "8.3.40"
    assert tomllib.loads(sources["pyproject.toml"].decode())["project"]["version"] == "8.3.40"
    for name, data in files.items():
        if not name.startswith(info):
            assert sources[name] == data
        if name.endswith(".py"):
            compile(data, name, "exec")


def test_tampered_files_differ_from_the_commit_and_are_marked(server: LabServer) -> None:
    from tests.lab.artifacts import artifact_tree, source_tree

    world = server.world
    for release in world.releases:
        commit, built = source_tree(world.scenario, release), artifact_tree(world.scenario, release)
        differing = {path for path in built if commit.get(path) != built[path]}
        assert differing == set(release.row.content.changed)
        for path in differing:
            assert b"import subprocess" in built[path]
            assert b"inert" in built[path]
            compile(built[path], path, "exec")


def test_added_pth_file_lies_where_it_would_run() -> None:
    world = build_world("elementary-data-2026-04")
    sdist, wheel = world.files_of("0.23.3")
    assert wheel.filename == "elementary_data-0.23.3-py3-none-any.whl"
    assert "elementary.pth" in wheel_files(wheel.artifact.data)
    assert "elementary.pth" in sdist_files(sdist.artifact.data)
    assert "elementary.pth" not in wheel_files(world.files_of("0.23.2")[1].artifact.data)


def test_size_factor_scales_the_unpacked_size() -> None:
    sizes = []
    for factor in (1.0, 4.0):
        text = MINIMAL + f"[release.content]\nsize_factor = {factor}\n"
        data = build_world(parse_scenario(text, "small.toml")).files[0].artifact.data
        sizes.append(sum(map(len, sdist_files(data).values())))
    assert 3.5 < sizes[1] / sizes[0] < 4.5


def test_known_files(server: LabServer) -> None:
    export, facts = server.write_known()
    rows = [json.loads(line) for line in export.read_text().splitlines()]
    assert {row["version"] for row in rows} == set(REMOVED)
    for row in rows:
        (stored,) = [item for item in server.world.files if item.filename == row["filename"]]
        assert row["sha256_digest"] == stored.sha256
        assert row["path"] == stored.path
    entries = tomllib.loads(facts.read_text())["fact"]
    assert [entry["version"] for entry in entries] == list(REMOVED)
    assert entries[0] == {
        "kind": "removed",
        "version": BAD,
        "at": datetime(2024, 12, 5, 9, 15, tzinfo=UTC),
        "source": "PyPI blog, posts/2024-12-11-ultralytics-attack-analysis",
    }


def test_known_hashes_and_lockfile(tmp_path) -> None:
    text = (
        MINIMAL
        + '[[known]]\nkind = "hashes"\nversions = ["1.0.0"]\n[[known]]\nkind = "lockfile"\nversions = ["1.0.0"]\n'
    )
    world = build_world(parse_scenario(text, "small.toml"))
    hashes, lockfile = write_known(world, tmp_path)
    assert hashes.read_text().splitlines() == [f"{f.sha256}  {f.filename}" for f in world.files]
    assert lockfile.name == "requirements-1.0.0.txt"
    assert lockfile.read_text().startswith("small==1.0.0 \\\n    --hash=sha256:")
