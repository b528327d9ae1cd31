"""Where the C++ package lies that comes with this one: headers, static library, CMake files."""

from __future__ import annotations

from gexcore.errors import InputError


def _folder(*parts: str) -> str:
    from pathlib import Path

    folder = Path(__file__).resolve().parent.joinpath(*parts)
    if not folder.is_dir():
        raise InputError(
            f"the C++ package is not installed: there is no {folder}",
            hint="install a wheel of gexcore, or build it with cmake --install",
        )
    return str(folder)


def get_include() -> str:
    """Folder of the C++ headers, for `#include <gexcore/gexcore.hpp>`.

    Args:
        None.

    Returns:
        Path of the folder.

    Raises:
        InputError: the package runs from its source tree, without an installed library.

    Example:
        >>> try:
        ...     found = get_include().endswith("include")
        ... except InputError:
        ...     found = True  # run from the source tree
        >>> found
        True
    """
    return _folder("include")


def get_cmake_dir() -> str:
    """Folder for `cmake -Dgexcore_DIR=...`; `find_package(gexcore CONFIG)` gives gexcore::gexcore.

    Args:
        None.

    Returns:
        Path of the folder.

    Raises:
        InputError: the package runs from its source tree, without an installed library.

    Example:
        >>> try:
        ...     found = get_cmake_dir().endswith("gexcore")
        ... except InputError:
        ...     found = True  # run from the source tree
        >>> found
        True
    """
    return _folder("lib", "cmake", "gexcore")
