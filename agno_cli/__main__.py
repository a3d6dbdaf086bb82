"""`python -m agno_cli` is `agno`."""

import sys

from agno_cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
