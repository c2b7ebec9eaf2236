"""The claims of a Fulcio certificate: one table from object identifier to named claim.

Source: sigstore/fulcio docs/oid-info.md. Claims .1 to .6 are raw bytes, .8 to .24 DER UTF8Strings; .7 lives in the
subject alternative name as an OtherName.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FULCIO_ARC = "1.3.6.1.4.1.57264.1"
FULCIO_ROOT_ARC = "1.3.6.1.4.1.57264"
SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"


class Encoding(StrEnum):
    """How the value of an extension is written."""

    RAW = "raw"
    DER = "DER UTF8String"
    OTHER_NAME = "OtherName in the subject alternative name"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its number under Fulcio's arc, the field of `model.identity.Identity`, its label, its encoding."""

    number: int
    field: str
    label: str
    encoding: Encoding

    @property
    def oid(self) -> str:
        """The dotted object identifier."""
        return f"{FULCIO_ARC}.{self.number}"


_R, _D = Encoding.RAW, Encoding.DER
CLAIMS: tuple[Claim, ...] = (
    Claim(1, "issuer_v1", "Issuer (deprecated)", _R),
    Claim(2, "github_workflow_trigger", "GitHub Workflow Trigger", _R),
    Claim(3, "github_workflow_sha", "GitHub Workflow SHA", _R),
    Claim(4, "github_workflow_name", "GitHub Workflow Name", _R),
    Claim(5, "github_workflow_repository", "GitHub Workflow Repository", _R),
    Claim(6, "github_workflow_ref", "GitHub Workflow Ref", _R),
    Claim(7, "username", "Username", Encoding.OTHER_NAME),
    Claim(8, "issuer", "Issuer", _D),
    Claim(9, "build_signer_uri", "Build Signer URI", _D),
    Claim(10, "build_signer_digest", "Build Signer Digest", _D),
    Claim(11, "runner_environment", "Runner Environment", _D),
    Claim(12, "source_repository_uri", "Source Repository URI", _D),
    Claim(13, "source_repository_digest", "Source Repository Digest", _D),
    Claim(14, "source_repository_ref", "Source Repository Ref", _D),
    Claim(15, "source_repository_identifier", "Source Repository Identifier", _D),
    Claim(16, "source_repository_owner_uri", "Source Repository Owner URI", _D),
    Claim(17, "source_repository_owner_identifier", "Source Repository Owner Identifier", _D),
    Claim(18, "build_config_uri", "Build Config URI", _D),
    Claim(19, "build_config_digest", "Build Config Digest", _D),
    Claim(20, "build_trigger", "Build Trigger", _D),
    Claim(21, "run_invocation_uri", "Run Invocation URI", _D),
    Claim(22, "source_repository_visibility_at_signing", "Source Repository Visibility At Signing", _D),
    Claim(23, "deployment_environment", "Deployment Environment", _D),
    Claim(24, "token_subject", "Token Subject", _D),
)
BY_OID = {claim.oid: claim for claim in CLAIMS if claim.encoding is not Encoding.OTHER_NAME}
USERNAME_OID = f"{FULCIO_ARC}.7"
_LABELS = {claim.field: claim.label for claim in CLAIMS} | {"subject_alternative_name": "Subject Alternative Name"}

PER_RELEASE_CLAIMS = frozenset(
    {
        "subject_alternative_name",
        "github_workflow_sha",
        "github_workflow_ref",
        "build_signer_uri",
        "build_signer_digest",
        "source_repository_digest",
        "source_repository_ref",
        "build_config_uri",
        "build_config_digest",
        "run_invocation_uri",
    }
)
"""Claims that name a commit, a run, or a ref: a project that releases from tags changes them with every release.

Those with a ref in them (subject alternative name, signer and config URI, ref) stay the same where a project releases
from a branch; compare them without the ref, by `Identity.workflow` and `Identity.ref_class`.
"""


def label_of(claim: str) -> str:
    """Return the label of the field *claim* of an identity for a reader; the field's name with spaces if unknown."""
    return _LABELS.get(claim, claim.replace("_", " "))
