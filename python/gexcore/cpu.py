"""Which compiled variant of the kernels runs (psABI levels), and how to choose another."""

from __future__ import annotations

from gexcore import _core


def available() -> tuple[str, ...]:
    """Names of the variants that this build has and this processor can run, best first.

    Example:
        >>> "baseline" in available()
        True
    """
    return tuple(_core.cpu_available())


def active() -> str:
    """Name of the variant in use: `GEXCORE_ISA` if it was set at import, else the best.

    Example:
        >>> active() in available()
        True
    """
    return _core.cpu_active()


def use(isa: str) -> None:
    """Switch to a variant for the calls that start from now on.

    Args:
        isa: one of `available()`.

    Raises:
        InputError: the name is unknown, or this processor cannot run it.

    Example:
        >>> before = active()
        >>> use("baseline"); active()
        'baseline'
        >>> use(before)
    """
    _core.cpu_use(isa)


def show() -> None:
    """Print the active variant and the available ones.

    Example:
        >>> before = active()
        >>> use("baseline"); show(); use(before)  # doctest: +ELLIPSIS
        baseline active; available: ...baseline
    """
    print(f"{active()} active; available: {', '.join(available())}")
