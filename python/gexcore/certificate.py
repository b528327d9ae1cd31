"""Proof that no crossing of a gamma profile was missed: a cover of the searched range."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gexcore import _core
from gexcore.errors import ConventionError
from gexcore.profile import Profile
from gexcore.results import Result, align, frame, number, plain

Found = tuple[float, float, bool]  # spot, slope in $ per 1% move per point, upward


@dataclass(frozen=True, slots=True)
class CoverInterval:
    """What is proved of gamma from spot `low` to `high`.

    kind: "no_crossing" (gamma keeps the `sign`, 1 or -1), "one_crossing" (it changes sign exactly
    once) or "undecided" (a touch, crossings too close to tell apart, or gamma below rounding).
    `sign` is None unless no_crossing.
    """

    low: float
    high: float
    kind: str
    sign: int | None

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --certify --json`."""
        return asdict(self)


@dataclass(frozen=True, slots=True, repr=False)
class Certificate(Result):
    """Whether the crossings of a book are all there are on the searched range.

    status: "proved" (the cover has no undecided interval), "undecided" or "no_exposure". `missed`
    counts the crossings that a search by nodes alone would not have reported.
    """

    status: str
    cover: tuple[CoverInterval, ...]
    searched: tuple[float, float] | None
    missed: int

    @property
    def undecided(self) -> tuple[CoverInterval, ...]:
        """The intervals of the cover where nothing is proved."""
        return tuple(part for part in self.cover if part.kind == "undecided")

    @property
    def signs(self) -> list[int]:
        """The proved signs of gamma, from the lowest spot up."""
        return [part.sign for part in self.cover if part.sign is not None]

    def to_dict(self) -> dict[str, Any]:
        """As in `gexcore levels --certify --json`."""
        return {
            "status": self.status,
            "searched": plain(self.searched),
            "missed": self.missed,
            "cover": plain(self.cover),
        }

    def to_frame(self) -> Any:
        """A pandas data frame with one row per interval of the cover."""
        names = ("low", "high", "kind", "sign")
        return frame({name: [getattr(part, name) for part in self.cover] for name in names})

    def summary(self) -> tuple[str, str]:
        """Status, and a sentence of what it means here."""
        if self.searched is None:
            return "no exposure", ""
        between = f"from {number(self.searched[0])} to {number(self.searched[1])}"
        count = sum(part.kind == "one_crossing" for part in self.cover)
        text = f"exactly {count} crossing{'s' * (count != 1)} {between}"
        if self.undecided:
            first, *more = self.undecided
            text = f"nothing is proved from {first.low:.10g} to {first.high:.10g}"
            text += f" and {len(more)} more interval{'s' * (len(more) > 1)}" if more else ""
        return self.status, text + (f"; {self.missed} between the nodes" if self.missed else "")

    def __repr__(self) -> str:
        return f"<Certificate {self.status}: {len(self.cover)} intervals, {self.missed} missed>"

    def __str__(self) -> str:
        rows = [["from", "to", "gamma"]]
        words = {"one_crossing": "changes sign once", "undecided": "undecided"}
        for part in self.cover:
            said = words.get(part.kind) or ("positive" if part.sign == 1 else "negative")
            rows.append([f"{part.low:.10g}", f"{part.high:.10g}", said])
        head = ": ".join(text for text in self.summary() if text)
        return f"{head}\n{align(rows, right=(0, 1))}" if self.cover else head


def certify(profile: Profile, on_nodes: list[Found]) -> tuple[Certificate, list[Found]]:
    """Prove which crossings there are from the first to the last spot of a profile.

    Args:
        profile: at least one spot.
        on_nodes: of `profile.crossings()`, those that show as changes of sign between spots.

    Returns:
        Certificate, and the crossings: one in each interval that holds exactly one, and those of
        `on_nodes` in undecided intervals.

    Raises:
        ConventionError: vols move with spot.

    Example:
        >>> import gexcore as gex
        >>> chain = gex.synthetic_chain(n=2000)
        >>> profile = gex.sweep_profile(chain, gex.assign_positions(chain))
        >>> certificate, crossings = certify(profile, [each[:3] for each in profile.crossings()])
        >>> certificate.status, len(crossings)
        ('proved', 0)
    """
    if profile.vols_move:
        raise ConventionError(
            f"certify: nothing is proved with vols that move ({profile.dynamics})",
            hint="dynamics='sticky_strike'",
        )
    # slope 0: every contract underflowed, the sign changed somewhere in the gap
    trusted = [found for found in on_nodes if found[1] != 0.0]
    searched = (float(profile.spots[0]), float(profile.spots[-1]))
    known = np.array([spot for spot, _, _ in trusted])
    cover, crossings, missed = [], [], 0
    for low, high, kind, below, _, polished in _core.certify(profile._prepared, *searched, known):
        cover.append(CoverInterval(low, high, kind, below if kind == "no_crossing" else None))
        if kind == "no_crossing":
            continue
        if polished is not None:
            spot, speed, upward = polished
            crossings.append((spot, speed * spot**2 / 100, upward))
            missed += 1
            continue
        inside = [found for found in trusted if low * (1 - 1e-12) <= found[0] <= high * (1 + 1e-12)]
        for spot, slope, upward in inside[:1] if kind == "one_crossing" else inside:
            crossings.append((min(max(spot, low), high), slope, upward))
    status = "undecided" if any(part.kind == "undecided" for part in cover) else "proved"
    return Certificate(status, tuple(cover), searched, missed), crossings
