"""python -m quire.migrate_check."""

import sys

from quire.migrate_check.command import main

if __name__ == "__main__":
    sys.exit(main())
