"""A case checked whole: every file hashed again, the tables recomputed, the seal held to what vouches for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.evidence.manifest import Damage, verify_bag
from forensics.model.errors import ForensicsError

if TYPE_CHECKING:
    from forensics.model.attestation import Check


@dataclass(frozen=True, slots=True)
class CaseCheck:
    """What came of checking the case at *path*.

    *damages* name files; *forged* are tables that do not follow from the evidence; *seal* are the steps of the seal,
    empty where the files are damaged already; *problem* is why the evidence could not be analysed.
    """

    path: Path
    damages: tuple[Damage, ...]
    forged: tuple[str, ...] = ()
    seal: tuple[Check, ...] = ()
    problem: ForensicsError | None = None

    @property
    def finished(self) -> bool:
        """Whether the collection was finished; a case that is still collecting is not damaged."""
        return not any(damage.unfinished for damage in self.damages)

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong. What cannot be checked of a seal is wrong too; a case without a seal is not."""
        from forensics.investigation.sealing import SEAL_CHECK
        from forensics.model.attestation import CheckResult

        if self.problem or self.forged or any(not damage.unfinished for damage in self.damages):
            return False
        unsealed = [(one.name, one.result) for one in self.seal] == [(SEAL_CHECK, CheckResult.NOT_CHECKED)]
        return unsealed or all(one.result is CheckResult.PASS for one in self.seal)


def check_case(
    path: Path, *, trust_root: bytes | None = None, digest: str | None = None, signer: str | None = None
) -> CaseCheck:
    """Return what is wrong with the case at *path*; *trust_root*, *digest* and *signer* as `check_seal` takes them.

    Raises CaseNotFound and ForeignCase for what is no case.
    """
    from forensics.evidence.case import Case
    from forensics.investigation.core import Investigation
    from forensics.investigation.sealing import check_seal

    damages = tuple(verify_bag(path))
    if any(not damage.unfinished for damage in damages):
        return CaseCheck(path, damages)
    try:
        forged = tuple(Investigation.reopen(path, trust_root=trust_root).forged_tables())
    except ForensicsError as error:
        return CaseCheck(path, damages, problem=error)
    seal = check_seal(Case.open(path), trust_root=trust_root, digest=digest, signer=signer)
    return CaseCheck(path, damages, forged, tuple(seal))
