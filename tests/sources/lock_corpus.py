"""Lockfiles of every kind, made by rule: many packages, and in some of them one that is looked for."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from dataclasses import dataclass
from pathlib import Path

Package = tuple[str, str]


def digest(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


def integrity(text: str) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


def sha256_of(name: str, version: str) -> str:
    return digest("sha256", f"{name} {version}")


def sha512_of(name: str, version: str) -> str:
    return digest("sha512", f"{name} {version}")


def uv(packages: list[Package]) -> str:
    return "version = 1\nrevision = 3\n" + "".join(
        f'\n[[package]]\nname = "{n}"\nversion = "{v}"\nsource = {{ registry = "https://pypi.org/simple" }}\n'
        f'sdist = {{ url = "https://files.pythonhosted.org/packages/aa/{n}-{v}.tar.gz", '
        f'hash = "sha256:{sha256_of(n, v)}", size = 1 }}\n'
        for n, v in packages
    )


def poetry(packages: list[Package]) -> str:
    return "".join(
        f'[[package]]\nname = "{n}"\nversion = "{v}"\noptional = false\nfiles = [\n'
        f'    {{file = "{n}-{v}.tar.gz", hash = "sha256:{sha256_of(n, v)}"}},\n]\n\n'
        for n, v in packages
    )


def pipenv(packages: list[Package]) -> str:
    entries = {n: {"hashes": [f"sha256:{sha256_of(n, v)}"], "version": f"=={v}"} for n, v in packages}
    return json.dumps({"_meta": {"pipfile-spec": 6}, "default": entries, "develop": {}}, indent=4)


def requirements(packages: list[Package]) -> str:
    return "".join(f"{n}=={v} \\\n    --hash=sha256:{sha256_of(n, v)}\n" for n, v in packages)


def pylock(packages: list[Package]) -> str:
    return 'lock-version = "1.0"\ncreated-by = "test"\n' + "".join(
        f'\n[[packages]]\nname = "{n}"\nversion = "{v}"\n'
        f'sdist = {{ name = "{n}-{v}.tar.gz", hashes = {{ sha256 = "{sha256_of(n, v)}" }} }}\n'
        for n, v in packages
    )


def package_lock(packages: list[Package]) -> str:
    folders = {f"node_modules/{n}": {"version": v, "integrity": integrity(f"{n} {v}")} for n, v in packages}
    return json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "x"}, **folders}}, indent=2)


def package_lock_1(packages: list[Package]) -> str:
    entries = {n: {"version": v, "integrity": integrity(f"{n} {v}")} for n, v in packages}
    return json.dumps({"lockfileVersion": 1, "dependencies": {"outer": {"version": "1.0.0", "dependencies": entries}}})


def pnpm(packages: list[Package]) -> str:
    return "lockfileVersion: '9.0'\n\npackages:\n\n" + "".join(
        f"  {n}@{v}:\n    resolution: {{integrity: {integrity(f'{n} {v}')}}}\n    engines: {{node: '>=6.0'}}\n\n"
        for n, v in packages
    )


def yarn(packages: list[Package]) -> str:
    return "# yarn lockfile v1\n\n\n" + "".join(
        f'{n}@^{v}:\n  version "{v}"\n  resolved "https://registry.yarnpkg.com/{n}/-/{n}-{v}.tgz#{digest("sha1", n)}"\n'
        f"  integrity {integrity(f'{n} {v}')}\n\n"
        for n, v in packages
    )


def berry(packages: list[Package]) -> str:
    return "__metadata:\n  version: 8\n\n" + "".join(
        f'"{n}@npm:^{v}":\n  version: {v}\n  resolution: "{n}@npm:{v}"\n  checksum: 10c0/{digest("sha512", v)}\n'
        f"  languageName: node\n  linkType: hard\n\n"
        for n, v in packages
    )


KINDS = {
    "uv.lock": uv, "poetry.lock": poetry, "Pipfile.lock": pipenv, "requirements.txt": requirements,
    "pylock.toml": pylock, "package-lock.json": package_lock, "npm-shrinkwrap.json": package_lock_1,
    "pnpm-lock.yaml": pnpm, "yarn.lock": yarn, "berry/yarn.lock": berry,
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A file of the corpus, and the version of the sought project that it pins, None for none."""

    path: Path
    version: str | None


def write(folder: Path, count: int, sought: str, versions: list[str], seed: int = 7) -> list[Made]:
    """Write *count* lockfiles of 100 packages each; every second pins *sought* at one of *versions*."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        name, form = list(KINDS.items())[number % len(KINDS)]
        packages = [
            (f"package-{n}", f"{chance.randrange(9)}.{chance.randrange(30)}.{chance.randrange(9)}")
            for n in chance.sample(range(400), 100)
        ]
        version = chance.choice(versions) if chance.random() < 0.5 else None
        if version:
            packages.insert(chance.randrange(len(packages)), (sought, version))
        path = folder / f"{number:04d}" / name
        path.parent.mkdir(parents=True)
        path.write_text(form(packages), "utf-8")
        made.append(Made(path, version))
    return made
