from __future__ import annotations

import json

import pytest

from forensics.model.errors import HostileInput, MalformedEvidence, UsageError
from forensics.transparency.checkpoint import Checkpoint
from forensics.transparency.entries import parse_entry
from forensics.transparency.matching import Matcher
from forensics.transparency.monitor import MonitorConfiguration, parse_configuration
from forensics.transparency.monitor_files import (
    FoundIdentity,
    found_identity,
    json_line,
    last_checkpoint,
    parse_line,
    read_checkpoints,
    read_metadata,
    text_line,
)
from tests.transparency.made import ARC, ISSUER, WORKFLOW, MadeLog, certificate, v2_entry

# The example of rekor-monitor's README, with a notification and an unknown key added.
README = r"""
startIndex: 1000
endIndex: 2000
monitoredValues:
  certIdentities:
    - certSubject: user@domain\.com
    - certSubject: otheruser@domain\.com
      issuers:
        - https://accounts\.google\.com
        - https://github\.com/login
    - certSubject: https://github\.com/actions/starter-workflows/blob/main/\.github/workflows/lint\.yaml@.*
      issuers:
        - https://token\.actions\.githubusercontent\.com
  subjects:
    - subject@domain\.com
  fingerprints:
    - A0B1C2D3E4F5
  oidMatchers:
    fulcioExtensions:
      build-config-uri:
        - https://example.com/owner/repository/build-config.yml
      issuer: [https://github.com/login/oauth]
      no-such-extension: [x]
    oidExtensions:
      - objectIdentifier: [1, 3, 6, 1, 4, 1, 57264, 1, 1]
        extensionValues:
          - https://github.com/login/oauth
    customExtensions:
      - objectIdentifier: 1.3.6.1.4.1.57264.1.9
        extensionValues:
          - https://github.com/o/r/.github/workflows/x.yml@v1.4.0
outputIdentities: identities.txt
outputIdentitiesFormat: text
logInfoFile: logInfo.txt
identityMetadataFile: metadata.json
githubIssue:
  assigneeUsername: someone
interval: 5m
"""


def test_the_published_example_is_read_as_it_is() -> None:
    found = parse_configuration(README)
    assert (found.start_index, found.end_index) == (1000, 2000)
    assert (found.output, found.output_format) == ("identities.txt", "text")
    assert (found.log_info_file, found.metadata_file) == ("logInfo.txt", "metadata.json")
    assert [value.type for value in found.values] == [
        *["certIdentity"] * 3, "subject", "fingerprint", *["oidExtension"] * 4
    ]  # fmt: skip
    assert [each.extensions[0][0] for each in found.sought if each.extensions] == [
        f"{ARC}18", f"{ARC}1", f"{ARC}8", f"{ARC}9"
    ]  # fmt: skip
    assert found.sought[4].fingerprint == "a0b1c2d3e4f5"
    assert [note.partition(":")[0] for note in found.notes] == [
        "githubIssue", "interval", "subjects", "fulcioExtensions.no-such-extension"
    ]  # fmt: skip
    assert all(found.value_of(each) is not None for each in found.sought)


@pytest.mark.parametrize(
    "text",
    [
        "monitoredValues: [1]", "monitoredValues: {certIdentities: {}}", "monitoredValues: {certIdentities: [{}]}",
        "monitoredValues: {subjects: ['']}", "monitoredValues: {subjects: ['(a+)+']}", "startIndex: -1",
        "startIndex: x", "startIndex: true", "outputIdentitiesFormat: xml", "outputIdentities: 7", "[", "- 1",
        "a: &x [1]\nb: *x",
        "monitoredValues: {oidMatchers: {customExtensions: [{objectIdentifier: 9.9, extensionValues: [a]}]}}",
        "monitoredValues: {oidMatchers: {oidExtensions: [{objectIdentifier: [1, a], extensionValues: [a]}]}}",
        "monitoredValues: {oidMatchers: {customExtensions: [{objectIdentifier: 1.2.3, extensionValues: []}]}}",
        "[" * 300, "x" * (2 << 20), "!!python/object/apply:os.system ['true']",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_configuration(text)


def test_an_empty_configuration_looks_for_nothing() -> None:
    found = parse_configuration("")
    assert (found.sought, found.output_format, found.start_index) == ((), "text", None)
    assert parse_configuration("outputIdentities: found.json").output_format == "json"
    assert parse_configuration("monitoredValues: {fingerprints: [1234567]}").sought[0].fingerprint == "1234567"


def lines_of(configuration: MonitorConfiguration) -> list[FoundIdentity]:
    matches = Matcher(configuration.sought).match(parse_entry(v2_entry(certificate()))).matches
    found = []
    for match in matches:
        value = configuration.value_of(match.sought)
        assert value is not None
        found.append(found_identity(match, value, 1234))
    return found


CONFIGURATION = r"""
monitoredValues:
  certIdentities: [{certSubject: 'acme/demo', issuers: ['githubusercontent']}]
  subjects: ['release\.yml']
  oidMatchers: {fulcioExtensions: {source-repository-identifier: ['700000001', '5']}}
"""


def test_output_lines_are_those_of_rekor_monitor() -> None:
    first, second, third = lines_of(parse_configuration(CONFIGURATION))
    assert text_line(first) == f"{WORKFLOW} {ISSUER} 1234"
    assert text_line(second) == f"{WORKFLOW} 1234"
    assert text_line(third) == f"1234 {ARC}15 700000001"
    assert json_line(first) == (
        '{"MatchedIdentity":{"certSubject":"acme/demo","issuers":["githubusercontent"],"type":"certIdentity"},'
        f'"CertSubject":"{WORKFLOW}","Issuer":"{ISSUER}","Fingerprint":"","Subject":"","Index":1234,"UUID":"",'
        '"OIDExtension":null,"ExtensionValue":""}'
    )
    assert json.loads(json_line(third))["OIDExtension"] == [1, 3, 6, 1, 4, 1, 57264, 1, 15]
    for found in (first, second, third):
        assert parse_line(json_line(found)) == found
    assert parse_line(text_line(first)) == FoundIdentity(1234, cert_subject=WORKFLOW, issuer=ISSUER)
    assert parse_line(text_line(third)) == FoundIdentity(1234, oid=f"{ARC}15", extension_value="700000001")
    uuid = "ab" * 32
    assert parse_line(f"a@b.example https://i 77 {uuid}") == FoundIdentity(77, uuid, "a@b.example", "https://i")
    assert json_line(FoundIdentity(1, subject="<&>\u2028")).count("\\u") == 4


@pytest.mark.parametrize("line", ["", "no index here", "{", "{}", '{"Index":"x"}', '{"Index":1,"UUID":7}', "[" * 9999])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse_line(line)
    with pytest.raises(HostileInput):
        parse_line("x" * (2 << 20))


def test_checkpoint_files_are_read() -> None:
    log = MadeLog([b"a", b"b", b"c"])
    signed = "".join(log.note(size).replace("\n", "\\n") + "\n" for size in (2, 3))
    found = last_checkpoint(signed)
    assert isinstance(found, Checkpoint)
    assert found.size == 3
    assert read_checkpoints(signed) == [log.note(2), log.note(3)]
    body = log.note(3).partition("\n\n")[0] + "\n"
    bare = body.replace("\n", "\\n") + "\n"
    assert last_checkpoint(signed + bare) == ("log.made.example", 3, found.root)
    assert last_checkpoint("") is None
    with pytest.raises(MalformedEvidence):
        last_checkpoint("nonsense\n")


def test_metadata_is_read() -> None:
    assert read_metadata('{"latestIndex":77}') == 77
    for wrong in ("", "7", "{}", '{"latestIndex":"x"}', '{"latestIndex":true}', '{"latestIndex":-1}', "[" * 9999):
        with pytest.raises(MalformedEvidence):
            read_metadata(wrong)
