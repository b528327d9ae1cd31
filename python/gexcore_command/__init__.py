"""The `gexcore` script: outside the package, so that a failed import of it is one line too."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; exit code 2 if the package itself cannot be imported here."""
    try:
        from gexcore.cli import main as run
    except ImportError as error:  # for example an instruction set that GEXCORE_ISA cannot have
        print(f"gexcore: error: {error}", file=sys.stderr)
        return 2
    return run()
