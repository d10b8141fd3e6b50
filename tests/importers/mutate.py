"""Reads mutations of an ONNX file: each must be a model or a clear error.

`python mutate.py FILE FIRST COUNT` prints how many were refused, how many are models.
"""

import os
import random
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
sys.path.insert(0, str(Path(__file__).parents[2]))


def mutated(content, seed):
    """Returns a copy with some bytes changed, put in, left out or repeated."""
    rng = random.Random(seed)
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 4])):
        place = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[place] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])
        elif kind == 2:
            del data[place : place + rng.randrange(1, 9)]
        elif kind == 3:
            data[place:place] = bytes(rng.randrange(256) for _ in range(4))
        else:
            data[place:place] = data[place : place + rng.randrange(1, 65)]
    return bytes(data)


def main(source, first, count):
    import keras

    from kerastpu.errors import KerastpuError
    from kerastpu.importers import import_onnx

    content = Path(source).read_bytes()
    target = Path(source).with_name("mutated.onnx")
    refused = 0
    for seed in range(first, first + count):
        target.write_bytes(mutated(content, seed))
        try:
            import_onnx(target)
        except KerastpuError as error:
            assert str(error), seed
            refused += 1
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise
        if seed % 200 == 0:
            keras.backend.clear_session()
    print(refused, count - refused)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
