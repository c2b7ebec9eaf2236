"""An artifact that unpacks to far more than those before it, or holds a file far larger than any of them had."""

from __future__ import annotations

from forensics.compare.artifacts import slot
from forensics.model.checked import Checked
from forensics.model.contents import Contents
from forensics.model.finding import Family, Severity
from forensics.model.release import Artifact, Release
from forensics.signals import thresholds as t
from forensics.signals.comparing import evidence_of, too_few
from forensics.signals.held import contents_of, earlier, held_evidence, read_artifacts, why_unread
from forensics.signals.registry import Hit, Result, View, signal


@signal(
    "size-jump",
    title="Unpacked size far above the cohort's",
    family=Family.CONTENT,
    severities=(Severity.LOW,),
    needs=("artifact", "index"),
    benign_if=(
        "the release ships new data, a bundled library or a model, and its notes or commits say so",
        "files that used to be left out are packed since the build configuration changed",
    ),
    attack=("T1195.002", "T1027"),
    slsa="E",
)
def size_jump(view: View) -> Result:
    """Fire when the unpacked size or the largest file is further above the cohort's median than its spread allows.

    The unpacked size is also taken from the index's document where it states one.
    """
    if (hit := _as_stated(view)) is not None:
        return hit
    read = read_artifacts(view.release)
    if not read:
        return why_unread(view.release)
    enough = False
    for artifact, contents in read:
        cohort = [
            own for release in earlier(view, rates=True) if (own := _same(artifact, release.artifacts)) is not None
        ]
        if len(cohort) < t.RATE_SAMPLES:
            continue
        enough = True
        for what, size, sizes in (
            ("unpacks to", contents.unpacked, [past.unpacked for _, past in cohort]),
            (_largest_name(contents), _largest(contents), [_largest(past) for _, past in cohort]),
        ):
            limit = _limit(sizes)
            if size > limit:
                return Hit(
                    severity=Severity.LOW,
                    observed=f"{artifact.filename} {what} {size:,} bytes",
                    expected=f"at most {limit:,.0f} bytes, as {len(cohort)} earlier releases suggest",
                    evidence=(*held_evidence(artifact), *(i for past, _ in cohort for i in held_evidence(past))),
                )
    if not enough:
        return too_few(0, t.RATE_SAMPLES, "earlier releases of which the same kind of file was read", "artifact")
    return why_unread(view.release)


def _as_stated(view: View) -> Hit | None:
    """Compare the unpacked size that the index states with those it states of the cohort."""
    own = _stated_size(view.release)
    past = [r for p in view.baseline.for_rates if _stated_size(r := p.profile.release) is not None]
    sizes = [size for release in past if (size := _stated_size(release)) is not None]
    if own is None or len(sizes) < t.RATE_SAMPLES or own <= (limit := _limit(sizes)):
        return None
    return Hit(
        severity=Severity.LOW,
        observed=f"the index states that it unpacks to {own:,} bytes",
        expected=f"at most {limit:,.0f} bytes, as {len(sizes)} earlier releases suggest",
        evidence=(*evidence_of(view.release), *evidence_of(past[-1])),
    )


def _stated_size(release: Release) -> int | None:
    publication = release.publication
    return publication.value.unpacked_size if isinstance(publication, Checked) else None


def _same(artifact: Artifact, others: tuple[Artifact, ...]) -> tuple[Artifact, Contents] | None:
    """Return the file of another release of the same kind and platform, and its contents."""
    for other in others:
        contents = contents_of(other)
        if contents is not None and slot(other) == slot(artifact):
            return other, contents
    return None


def _largest(contents: Contents) -> int:
    largest = contents.largest
    return largest.size if largest else 0


def _largest_name(contents: Contents) -> str:
    largest = contents.largest
    return f"holds {largest.path} of" if largest else "holds"


def _limit(sizes: list[int]) -> float:
    """Return the median plus SIZE_MADS times the median absolute deviation, which counts at least SIZE_MAD_FLOOR."""
    values = sorted(float(size) for size in sizes)
    median = t.percentile(values, t.MEDIAN)
    spread = t.percentile(sorted(abs(value - median) for value in values), t.MEDIAN)
    return median + t.SIZE_MADS * max(spread, t.SIZE_MAD_FLOOR * median)
