"""Which compiled variant of the kernels (psABI levels) runs, on how many threads; how to choose."""

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


def get_num_threads() -> int:
    """Number of threads of a call that is not given `threads=`.

    Args:
        None.

    Returns:
        What `set_num_threads` was given last, else `GEXCORE_NUM_THREADS`, else 1.

    Raises:
        InputError: GEXCORE_NUM_THREADS is not a whole number from 1 to 1024.

    Example:
        >>> get_num_threads() >= 1
        True
    """
    return _core.get_num_threads()


def set_num_threads(threads: int) -> None:
    """Set the number of threads of all calls that are not given `threads=`, in this process.

    Results have the same bits with any number. A child that is forked later inherits it. Threads
    are started when a call first needs them and wait for the next call without using the processor.

    Args:
        threads: whole number from 1 to 1024; it counts the calling thread.

    Returns:
        Nothing.

    Raises:
        InputError: anything else.

    Example:
        >>> before = get_num_threads()
        >>> set_num_threads(2); get_num_threads()
        2
        >>> set_num_threads(before)
    """
    _core.set_num_threads(threads)
