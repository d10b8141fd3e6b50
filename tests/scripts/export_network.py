"""Exports one network of the registry, small and untrained, in every format.

A process of its own: TensorFlow keeps what it converted for as long as it runs.
Usage: export_network.py NAME FOLDER CLASSES; prints what export.json holds.
"""

import json
import sys
from pathlib import Path

from kerastpu import export
from tests import networks


def main(name, folder, classes):
    path = Path(folder, "m.keras")
    networks.build(name, 32, int(classes)).save(path)
    print(json.dumps(export.export(path).to_dict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
