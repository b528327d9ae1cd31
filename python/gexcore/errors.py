"""Every error that gexcore raises on purpose: one family, each message with a place and a hint."""

from __future__ import annotations


class GexError(ValueError):
    """Base of all errors of this package.

    Args:
        message: what is wrong, naming the column, row and value where there is one.
        hint: what the caller can do about it; printed after "Hint:".
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.hint = hint
        super().__init__(message if hint is None else f"{message}. Hint: {hint}")


class InputError(GexError):
    """An array, number or time that cannot be used (type, shape, length, zone)."""


class ConventionError(GexError):
    """A name of a rule, unit, key, clock or greek that does not exist."""


class ChainFileError(GexError):
    """A chain file that cannot be read; the message names the file and the line."""


class NotComputedError(GexError, AttributeError):
    """A result was asked for something that it was not told to compute."""


class MismatchError(GexError):
    """Results that belong to different chains or positions were put together."""
