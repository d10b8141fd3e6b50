"""`python -m kerastpu` is the `kerastpu` command."""

import sys

from kerastpu.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
