"""`python -m gexcore` is the command line."""

from gexcore.cli import main

raise SystemExit(main())
