"""Attestations that GitHub holds of a file, by digest: its list, and the bundles that the list leads to.

`bundle` is null since 2026-07-16; `bundle_url` is a signed address on another host, good for minutes, whose answer is a
raw block of Snappy. It is asked without the token. Public repositories sign with Sigstore's public instance, private
ones with GitHub's own, which no trust root here knows.
Source: GitHub's REST documentation (repos/attestations); google/snappy, `format_description.txt`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from forensics.attestation.depth import MAX_DEPTH, text_within_depth
from forensics.model.checked import Checked, NotChecked, Outcome
from forensics.model.errors import BadAnswer, HostileInput
from forensics.model.held import FileRef
from forensics.sources.github import Hub
from forensics.sources.interface import mapping

if TYPE_CHECKING:
    from forensics.evidence.archive import Archive

NEEDS = "GitHub's attestations"
MOST = 30
"""Attestations of one file that are read: one page. Whoever may write to a repository may add any number."""
MAX_BUNDLE = 4 << 20
"""Bytes of a bundle, unpacked. Real ones have some ten thousand; packed, none is larger than this and a sixth."""
MAX_ADDRESS = 8192


@dataclass(frozen=True, slots=True)
class HeldBundle:
    """One bundle as GitHub holds it: *data* is its JSON."""

    ref: FileRef
    data: bytes
    evidence: tuple[str, ...]


HeldAnswer = Outcome[tuple[Outcome[HeldBundle], ...]]
"""What GitHub answers about a file: the bundles that it holds, each read or not; none where it says so."""


async def read_held(
    hub: Hub, refs: Sequence[FileRef], tick: Callable[[int, int], None] | None = None
) -> dict[FileRef, HeldAnswer]:
    """Return what GitHub holds of each file, asked one after the other in the order of *refs*.

    A 404 is GitHub's word that it holds none, or shows none to us; nothing is concluded from it.
    """
    found: dict[FileRef, HeldAnswer] = {}
    for number, ref in enumerate(refs, 1):
        found[ref] = await _held(hub, ref)
        if tick:
            tick(number, len(refs))
    return found


def recorded_files(archive: Archive, base: str) -> tuple[FileRef, ...]:
    """Return the files that were asked about in *archive*, whatever came of it, in order of the first question."""
    path = rf"/repos/([^/]+/[^/]+)/attestations/sha256:([0-9a-f]{{64}})\?per_page={MOST}"
    pattern = re.compile(re.escape(base) + path)
    matches = (pattern.fullmatch(seen.url) for seen in archive.observations())
    return tuple(dict.fromkeys(FileRef(m.group(1), m.group(2)) for m in matches if m))


async def _held(hub: Hub, ref: FileRef) -> HeldAnswer:
    path = f"/repos/{ref.repository}/attestations/sha256:{ref.sha256}?per_page={MOST}"
    outcome = await hub.get(path, NEEDS, none={"attestations": []})
    if isinstance(outcome, NotChecked):
        return outcome
    rows = outcome.value.get("attestations")
    if not isinstance(rows, list):
        return hub.witness.miss("GitHub's answer is not a list of attestations", NEEDS, outcome.evidence)
    found = [await _bundle(hub, ref, mapping(row), outcome.evidence) for row in rows[:MOST]]
    evidence = dict.fromkeys([*outcome.evidence, *(i for one in found for i in one.evidence)])
    return Checked(tuple(found), tuple(evidence))


async def _bundle(hub: Hub, ref: FileRef, row: dict[str, Any], evidence: tuple[str, ...]) -> Outcome[HeldBundle]:
    """Return the bundle of one row: what its address leads to, else what stands in the row."""
    address = row.get("bundle_url")
    if not address:
        if not isinstance(row.get("bundle"), dict):
            return hub.witness.miss("GitHub names an attestation and gives neither it nor an address", NEEDS, evidence)
        return Checked(HeldBundle(ref, json.dumps(row["bundle"]).encode(), evidence), evidence)
    if not may_follow(address, hub.base):
        return hub.witness.miss("GitHub names an address of an attestation that is not followed", NEEDS, evidence)
    outcome = await hub.witness.ask(hub.client.get(address), NEEDS)  # on its own: no header of ours goes along
    evidence = tuple(dict.fromkeys((*evidence, *outcome.evidence)))
    if isinstance(outcome, NotChecked):
        return NotChecked(outcome.reason, NEEDS, evidence)
    if outcome.value.status != 200:
        reason = f"the store of GitHub's attestations answered HTTP {outcome.value.status}"
        return hub.witness.miss(reason, NEEDS, evidence)
    try:
        data = unpack(outcome.value.body)
    except (BadAnswer, HostileInput) as error:
        return hub.witness.miss(error.what, NEEDS, evidence)
    return Checked(HeldBundle(ref, data, evidence), evidence)


def may_follow(address: Any, base: str) -> bool:
    """Return whether the *address* of a bundle is asked: https on any host, http only where it and *base* are loopback.

    The one kind of address that leads off the site it came from.
    """
    if not isinstance(address, str) or len(address) > MAX_ADDRESS or not address.isascii() or not address.isprintable():
        return False
    try:
        parts = urlsplit(address)
        host, userinfo = parts.hostname, "@" in parts.netloc
        home = urlsplit(base).hostname
    except ValueError:
        return False
    if not host or userinfo or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _loopback(host) and _loopback(home or ""))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def unpack(packed: bytes) -> bytes:
    """Return the JSON in *packed*, a raw block of Snappy; its stated size is believed only as an upper bound.

    Raises HostileInput where it is larger than 4 MiB or nested too deeply, BadAnswer where it is no Snappy or no JSON.
    """
    import cramjam

    if len(packed) > MAX_BUNDLE + MAX_BUNDLE // 6 + 32:  # the most that Snappy adds to what it cannot shorten
        raise HostileInput(f"an attestation of {len(packed)} packed bytes; the limit is {MAX_BUNDLE} unpacked")
    try:
        size = cramjam.snappy.decompress_raw_len(packed)
        if size > MAX_BUNDLE:
            raise HostileInput(f"an attestation of {size} bytes, it says; the limit is {MAX_BUNDLE}")
        data = bytes(cramjam.snappy.decompress_raw(packed))
    except cramjam.DecompressionError:
        raise BadAnswer("GitHub's attestation is not a whole block of Snappy.") from None
    if len(data) > MAX_BUNDLE:
        raise HostileInput(f"an attestation of {len(data)} bytes; the limit is {MAX_BUNDLE}")
    if not text_within_depth(data):
        raise HostileInput(f"an attestation nested more than {MAX_DEPTH} levels deep")
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        raise BadAnswer("GitHub's attestation is not JSON.") from None
    return data
