"""Who vouches for the seal of a case: Sigstore for the signer, a timestamping authority for the moment.

Sources: RFC 3161 section 3.4 (HTTP); Sigstore's client specification, "Signing"; in-toto Statement v1.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from forensics.model.errors import BadAnswer, Refused, SourceError, Unreachable, UsageError

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken

    from forensics.evidence.client import Client

_QUERY = "application/timestamp-query"
_REPLY = "application/timestamp-reply"
_CONFIG: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


async def request_timestamp(client: Client, url: str, message: bytes) -> bytes:
    """Return the response (DER) of the timestamping authority at *url* over *message*.

    Raises Refused for a status other than 200, BadAnswer for anything but a granted timestamp of this message that
    carries our nonce, and what the client raises. Whether the authority is a known one is for who verifies.
    Source: RFC 3161 sections 2.4 and 3.4.
    """
    import hashlib

    from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response
    from rfc3161_client.base import HashAlgorithm

    builder = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256)
    request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
    answer = await client.post(url, content=request.as_bytes(), content_type=_QUERY, accept=_REPLY)
    if answer.status != 200:
        raise Refused(f"{url} answered {answer.status} to the request for a timestamp.")
    try:
        response = decode_timestamp_response(answer.body)
        stamped = response.tst_info
        sound = response.status == 0 and stamped.nonce == request.nonce
        sound = sound and stamped.message_imprint.message == hashlib.sha256(message).digest()
    except Exception as error:  # native code on a stranger's bytes
        raise BadAnswer(f"{url} did not answer with an RFC 3161 timestamp: {error}.") from None
    if not sound:
        raise BadAnswer(f"{url} answered with a timestamp of something else, or refused to make one.")
    return answer.body


def identity_token(given: str | None) -> IdentityToken:
    """Return the OIDC token to sign with: the one *given*, or that of the surroundings, such as a CI job.

    Raises UsageError when there is none, or it cannot be used.
    """
    from sigstore.oidc import IdentityError, IdentityToken, detect_credential

    try:
        raw = given or detect_credential()
        if raw:
            return IdentityToken(raw.strip())
    except (IdentityError, OSError) as error:
        raise UsageError(f"The identity token cannot be used: {error}.") from None
    raise UsageError(
        "There is no identity to sign with.",
        advice="Name a file with an OIDC token by --identity-token FILE, or run where the surroundings give one.",
    )


def signer(token: IdentityToken, trusted_root: bytes, signing_config: Path) -> Callable[[bytes], bytes]:
    """Return what signs an in-toto statement (JSON) with Sigstore and gives the bundle (JSON).

    *trusted_root* and *signing_config* say which authority, logs and timestamping authorities. What it returns raises
    Unreachable when one of them cannot be asked, Refused when one says no.
    """
    from sigstore.dsse import Statement
    from sigstore.models import ClientTrustConfig
    from sigstore.sign import SigningContext
    from sigstore_models.trustroot.v1 import ClientTrustConfig as Inner
    from sigstore_models.trustroot.v1 import SigningConfig, TrustedRoot

    def sign(statement: bytes) -> bytes:
        try:
            root, config = TrustedRoot.from_json(trusted_root), SigningConfig.from_json(signing_config.read_bytes())
            inner = Inner(media_type=_CONFIG, trusted_root=root, signing_config=config)
            context = SigningContext.from_trust_config(ClientTrustConfig(inner))
            with context.signer(token) as person:
                return person.sign_dsse(Statement(statement)).to_json().encode()
        except Exception as error:  # somebody else's clients of three services: whatever they raise, nothing is signed
            raise _typed(error) from error

    return sign


def _typed(error: Exception) -> SourceError:
    cause: BaseException | None = error
    while cause is not None:
        # What the libraries below raise without an answer is an OSError; with one, it carries the answer.
        if isinstance(cause, OSError) and getattr(cause, "response", None) is None:
            return Unreachable(f"Sigstore could not be asked to sign: {cause}.", meaning=_OPEN)
        cause = cause.__cause__
    said = str(error).split("\n", 1)[0] or type(error).__name__
    return Refused(f"Sigstore did not sign: {said}.", meaning=_OPEN)


_OPEN = "The case was not sealed and is as it was."
