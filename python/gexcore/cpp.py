"""Where the C++ package lies that comes with this one: headers, static library, CMake files."""

from __future__ import annotations

from gexcore import _core
from gexcore.errors import InputError


def _folder(*parts: str) -> str:
    from pathlib import Path

    folder = Path(_core.__file__).resolve().parent.joinpath(*parts)  # beside what was compiled
    if not folder.is_dir():
        raise InputError(
            f"the C++ package is not installed: there is no {folder}",
            hint="install gexcore by pip, or build it with cmake --install",
        )
    return str(folder)


def get_include() -> str:
    """Folder of the C++ headers, for `#include <gexcore/gexcore.hpp>`.

    Args:
        None.

    Returns:
        Path of the folder.

    Raises:
        InputError: the package was installed without them.

    Source: docs/cpp.md.

    Example:
        >>> from pathlib import Path
        >>> (Path(get_include()) / "gexcore" / "gexcore.hpp").is_file()
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
        InputError: the package was installed without it.

    Source: docs/cpp.md.

    Example:
        >>> from pathlib import Path
        >>> (Path(get_cmake_dir()) / "gexcore-config.cmake").is_file()
        True
    """
    return _folder("lib", "cmake", "gexcore")
