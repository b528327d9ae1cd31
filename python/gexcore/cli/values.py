"""Values of options: shares and names, as people write them."""

from __future__ import annotations

import argparse


def share(text: str) -> float:
    """A decimal rate: 0.05 or 5%."""
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate, write 0.05 or 5%") from None


def shares(text: str) -> tuple[float, ...]:
    """Several of them, with commas between."""
    return tuple(share(part.strip()) for part in text.split(","))


def names(text: str) -> tuple[str, ...]:
    """Names, with commas between."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
