"""Converts one network of the registry: `convert_network.py NAME FOLDER`.

A process of its own: the largest ones leave no room for what comes after.
"""

import sys
from pathlib import Path

from tests import networks

if __name__ == "__main__":
    networks.convert(sys.argv[1], Path(sys.argv[2]))
