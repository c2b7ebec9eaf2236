"""The one table of public services that the toolkit talks to. Every default can be overridden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forensics.model.errors import UsageError


@dataclass(frozen=True, slots=True)
class Service:
    """A public service: the key in `forensics.toml`, the environment variable, the default URL, what it is for.

    *many*: several URLs, parted by commas; none by default, where something else names them. A default may build on
    the URL of an earlier service, named in braces.
    """

    key: str
    variable: str
    default: str
    what: str
    many: bool = False


SERVICES: tuple[Service, ...] = (
    Service("pypi", "FORENSICS_PYPI_URL", "https://pypi.org", "package index: Simple, legacy JSON and Integrity APIs"),
    Service("files", "FORENSICS_FILES_URL", "https://files.pythonhosted.org", "file store of the package index"),
    Service("npm", "FORENSICS_NPM_URL", "https://registry.npmjs.org", "npm registry"),
    Service("journal", "FORENSICS_JOURNAL_URL", "{pypi}/pypi", "journal and roles of the package index (XML-RPC)"),
    Service("osv", "FORENSICS_OSV_URL", "https://api.osv.dev", "advisories"),
    Service("rekor", "FORENSICS_REKOR_URL", "https://rekor.sigstore.dev", "transparency log, Rekor v1"),
    Service(
        "rekor_tiles", "FORENSICS_REKOR_TILES_URLS", "", "logs of Rekor v2; by default those of the trust root", True
    ),
    Service("tuf", "FORENSICS_TUF_URL", "https://tuf-repo-cdn.sigstore.dev", "Sigstore's trust root, by TUF"),
    Service("tsa", "FORENSICS_TSA_URL", "https://timestamp.sigstore.dev/api/v1/timestamp", "timestamps (RFC 3161)"),
    Service("depsdev", "FORENSICS_DEPSDEV_URL", "https://api.deps.dev", "what another reader of the index says"),
    Service("github", "FORENSICS_GITHUB_API_URL", "https://api.github.com", "CI runs, attestations and current names"),
    Service("git", "FORENSICS_GIT_URL_TEMPLATE", "https://{host}/{owner}/{repo}", "git repositories"),
)
CONTACT = "https://github.com/release-forensics/release-forensics"
"""Where an operator who sees our User-Agent can complain."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The URL of each service in force, by key, without trailing slash."""

    urls: Mapping[str, str]

    def __getitem__(self, key: str) -> str:
        return self.urls[key]


def resolve_endpoints(
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    config: Mapping[str, str] | None = None,
) -> Endpoints:
    """Return the endpoints in force: flags, then environment, then configuration, then the public services.

    Raises UsageError for a URL that is not http(s) or carries credentials.
    """
    flags, environment, config = flags or {}, environment or {}, config or {}
    urls: dict[str, str] = {}
    for service in SERVICES:
        given = flags.get(service.key) or environment.get(service.variable) or config.get(service.key)
        url = given or (service.default.format(**urls) if service.default.startswith("{pypi}") else service.default)
        if service.many:
            urls[service.key] = ",".join(checked_url(one.strip(), service.variable) for one in url.split(",") if one)
        else:
            urls[service.key] = checked_url(url, service.variable)
    return Endpoints(urls)


def checked_url(url: str, name: str) -> str:
    """Return *url* without trailing slash. Raises UsageError, naming *name*, for one that is not http(s) or secret."""
    from urllib.parse import urlsplit

    if "@" in url.partition("://")[2].partition("/")[0]:
        raise UsageError(
            f"{name} carries credentials, and endpoints are written into every case.",
            advice="Leave user and password out of the URL.",
        )
    try:
        parts = urlsplit(url)
        bad = parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0
    except ValueError:
        bad = True
    if bad or parts.query or parts.fragment:
        raise UsageError(
            f"{name}: {url!r} is not the http(s) URL of a service.", advice="Write it as https://index.example/path."
        )
    return url.rstrip("/")
