"""The smallest npm scenario, to be varied by tests."""

NPM = """
schema = 1
id = "small"
title = "t"
kind = "benign"
ecosystem = "npm"
project = "@scope/small"
as_of = 2026-06-01T00:00:00Z
[repository]
url = "https://github.com/example-author/small"
id = 1
owner_id = 2
[identity]
issuer = "https://token.actions.githubusercontent.com"
workflow = ".github/workflows/release.yml"
ref = "refs/tags/{tag}"
trigger = "push"
[[release]]
version = "1.0.0"
published = 2026-01-01T10:00:00Z
door = "trusted-attested"
files = ["tarball"]
[[release]]
version = "1.1.0"
published = 2026-02-01T10:00:00Z
door = "trusted-attested"
files = ["tarball"]
"""
