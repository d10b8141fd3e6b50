"""Ten thousand damaged files of each kind: refused in one line or good, never worse."""

import dataclasses
import hashlib
import io
import json
import random
import struct

import numpy as np
import pytest
from drawings import draw, encode
from mutations import mutate, mutate_png
from PIL import Image

from data_pipelines import pixels, verify
from data_pipelines.errors import DataError
from data_pipelines.images.headers import read_size
from data_pipelines.images.normalize import identify, normalize
from data_pipelines.shards.manifest import Manifest, Origin, Shard, Split, save_manifest
from data_pipelines.shards.records import frame_record, masked_crc, walk_records
from data_pipelines.shards.schema import Record, decode_example, encode_example

SHARD = "train-00000-of-00001.tfrec"
PICTURE = draw(1, 24, 20)
EXIF = Image.Exif()
EXIF[0x0112] = 6
DEEP = Image.fromarray(np.arange(480, dtype=np.uint16).reshape(24, 20) * 100)
IMAGES = (
    encode(PICTURE, "JPEG"),
    encode(PICTURE, "JPEG", progressive=True),
    encode(PICTURE, "JPEG", exif=EXIF),
    encode(PICTURE.convert("L"), "JPEG"),
    encode(PICTURE.convert("CMYK"), "JPEG"),
    encode(PICTURE, "PNG"),
    encode(PICTURE.convert("L"), "PNG"),
    encode(PICTURE.convert("RGBA"), "PNG"),
    encode(PICTURE.quantize(8), "PNG"),
    encode(DEEP, "PNG"),
    encode(PICTURE, "GIF", save_all=True, append_images=[draw(2, 24, 20)]),
    encode(PICTURE, "BMP"),
    encode(PICTURE, "WEBP"),
    encode(PICTURE, "WEBP", lossless=True),
    encode(PICTURE, "PPM"),
)


def is_refused(function, *args, **options):
    """Whether it raises a DataError; a good one, and nothing else."""
    try:
        function(*args, **options)
    except DataError as error:
        assert "\n" not in str(error)
        return True
    return False


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_a_mutated_image_is_refused_or_read_the_same_by_all(capfd):
    rng, refused = random.Random(0), 0
    for _ in range(10_000):
        data = rng.choice(IMAGES)
        is_png = identify(data) == "PNG"
        data = (
            mutate_png(data, rng)
            if is_png and rng.random() < 0.7
            else mutate(data, rng)
        )
        if is_refused(normalize, data, "x"):
            refused += 1
            continue
        image = normalize(data, "x")
        read = pixels.decode(image.data, "x")
        assert read.shape == (image.height, image.width, 3)
        assert read_size(image.data) == read.shape[:2]  # as `verify` finds it
        if read.size < 10_000:
            with Image.open(io.BytesIO(image.data)) as opened:
                expected = np.asarray(opened.convert("RGB"))
            assert np.abs(read.astype(int) - expected).max() <= 4
    assert 2_000 < refused < 9_000
    capfd.readouterr()  # what libjpeg and libpng say


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A shard of two images, a PNG and a JPEG."""
    pictures = {
        "a": encode(draw(1, 6, 6).convert("L"), "PNG"),
        "b": encode(draw(2, 8, 8).convert("L"), "JPEG", quality=30),
    }
    records = b""
    for label, (name, data) in enumerate(pictures.items()):
        image = normalize(data, name)
        sizes = image.height, image.width
        records += frame_record(encode_example(Record(data, label, name, *sizes, name)))
    folder = tmp_path_factory.mktemp("small")
    split, none = Split((Shard(SHARD, 2, 0, ""),), (1, 1)), Split((), (0, 0))
    splits = {"train": split, "validation": none, "test": none}
    origin = Origin(kind="x", name="x", fingerprint="0", is_synthetic=True, notes=())
    manifest = fit(Manifest(folder, ("a", "b"), splits, origin, ""), records)
    (folder / SHARD).write_bytes(records)
    save_manifest(manifest)
    return verify(manifest, decode=True)


def fit(manifest, content):
    """Returns the manifest with size and sha256 of that shard."""
    shard = Shard(SHARD, 2, len(content), hashlib.sha256(content).hexdigest())
    split = dataclasses.replace(manifest.splits["train"], shards=(shard,))
    return dataclasses.replace(manifest, splits={**manifest.splits, "train": split})


def test_every_cut_and_every_flipped_bit_is_found(small):
    path = small.directory / SHARD
    content = path.read_bytes()
    assert len(content) < 700
    for length in range(len(content)):
        path.write_bytes(content[:length])
        assert is_refused(verify, small)
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert is_refused(verify, small)
    path.write_bytes(content)
    verify(small)


def claim(data, rng):
    """A record whose length is wrong, under a valid checksum."""
    wrong = rng.choice((10**12, 2**64 - 1, rng.getrandbits(64), rng.randrange(1000)))
    length = struct.pack("<Q", wrong)
    return length + struct.pack("<I", masked_crc(length)) + data


def lie(data, rng):
    """A record, valid as such, of another image, class or size."""
    record = decode_example(data)
    change = {
        "image": mutate(record.image, rng),
        "label": rng.choice((-(2**63), -1, 1, 2**63 - 1)),
        "class_name": rng.choice(("", "a", "b", "\n")),
        "height": rng.choice((-1, 0, 2**40, 8)),
        "name": rng.choice(("", "0", "\udcff")),
    }
    field = rng.choice(("image", "image", "image", *change))
    return encode_example(dataclasses.replace(record, **{field: change[field]}))


def test_mutated_shards_never_do_worse_than_be_refused(small):
    rng, passed = random.Random(0), 0
    path = small.directory / SHARD
    content = path.read_bytes()
    records = [data for _, data in walk_records(io.BytesIO(content), len(content), "x")]
    for turn in range(10_000):
        number, kind = rng.randrange(2), rng.randrange(4)
        data = records[number]
        if kind == 0:
            changed = mutate(content, rng)
        else:
            damage = (claim, mutate, lie)[kind - 1]
            framed = [frame_record(record) for record in records]
            framed[number] = damage(data, rng)
            if kind > 1:
                framed[number] = frame_record(framed[number])
            changed = b"".join(framed)
        path.write_bytes(changed)
        if kind == 0:
            assert changed == content or is_refused(verify, small)
        fitting = fit(small, changed)  # as who forges a shard would
        passed += not is_refused(verify, fitting, decode=turn % 20 == 0)
    path.write_bytes(content)
    assert 100 < passed < 5_000


def places(value, path=()):
    """Yields the path to every value inside a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def test_mutated_manifests_never_do_worse_than_be_refused(small, tmp_path):
    rng, passed = random.Random(0), 0
    manifest = tmp_path / "manifest.json"
    for path in small.directory.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = manifest.read_text()
    paths = [path for path in places(json.loads(text)) if path]
    junk = (None, True, -1, 0, 1, 10**30, 0.5, float("nan"), "", "x", "\0", "../x")
    for turn in range(10_000):
        content = json.loads(text)
        *parents, last = rng.choice(paths)
        holder = content
        for key in parents:
            holder = holder[key]
        holder[last] = rng.choice((*junk, [], {}, [1], {"x": 1}, "\ud800", [[]]))
        if rng.random() < 0.3:
            del holder[last]
        is_text = turn % 2
        changed = (
            mutate(text.encode(), rng) if is_text else json.dumps(content).encode()
        )
        manifest.write_bytes(changed)
        passed += not is_refused(verify, tmp_path)
    assert 100 < passed < 9_000
    manifest.write_text("[" * 100_000)
    assert is_refused(verify, tmp_path)
