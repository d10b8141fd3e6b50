"""Damage: seeded mutations of bytes, and PNGs that say what they are told to."""

import random
import struct
import zlib

PNG_START = b"\x89PNG\r\n\x1a\n"


def mutate(data: bytes, rng: random.Random) -> bytes:
    """Flips, sets, deletes, inserts or repeats a few bytes, most near the start."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        place = rng.randrange(len(changed) + 1)
        if rng.random() < 0.4:  # headers are where the lengths are
            place = min(place, rng.randrange(200))
        length = rng.choice((1, 2, 4, 16))
        changed[place : place + length] = rng.choice(
            (
                bytes(
                    byte ^ 1 << rng.randrange(8) for byte in changed[place:][:length]
                ),
                rng.randbytes(length),
                rng.choice((b"\0", b"\x7f", b"\x80", b"\xff")) * length,
                b"",
                rng.randbytes(length) + changed[place : place + length],
                changed[place : place + length] * 2,
            )
        )
    return bytes(changed)


def make_png(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of those chunks (kind, data), with valid checksums."""
    return PNG_START + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def png_of(
    width: int, height: int, raw: bytes, depth: int = 8, color_type: int = 2
) -> bytes:
    """A PNG that claims that size, whose pixels are `raw`: a filter byte per row."""
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    pixels = zlib.compress(raw)
    return make_png([(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")])


def mutate_png(data: bytes, rng: random.Random) -> bytes:
    """Mutates chunks of a PNG, or the pixels under the compression; checksums fit."""
    chunks, place = [], len(PNG_START)
    while place < len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind, content = data[place + 4 : place + 8], data[place + 8 :][:length]
        if rng.random() < 0.5:
            is_pixels = kind == b"IDAT" and rng.random() < 0.8
            content = (
                zlib.compress(mutate(zlib.decompress(content), rng))
                if is_pixels
                else mutate(content, rng)
            )
        chunks += [(kind, content)] * rng.choice((0, 1, 1, 1, 1, 1, 1, 1, 2))
        place += length + 12
    return make_png(chunks)
