"""`kerastpu data`: look at images, make checked shards of them, check them again."""

from collections.abc import Sequence

from kerastpu.cli import dispatch

PROGRAM = "kerastpu data"
COMMANDS = {
    "list": "the data sets known by name, where each can be had, shards in the cache",
    "inspect": "count, measure, find copies and bad files, draw a contact sheet",
    "prepare": "write checked, split TFRecord shards with a manifest",
    "verify": "check shards: framing, checksums, labels, counts, hashes",
    "preview": "draw what augmentation does to a few images",
    "throughput": "measure images per second by stage, against decoding alone",
}
SUMMARY = """Images as the pipelines see them. DATA is a folder of class folders, a .csv
of path,label, an .npz, tfds:NAME, a name that `list` shows, or TFRecords: a folder of
our shards, a .tfrec, a glob of them; gs://... works as well."""


def run(arguments: Sequence[str]) -> int:
    """Runs one subcommand; returns its exit code.

    Raises:
        SystemExit: after --help.
    """
    if arguments and arguments[0] not in ("-h", "--help", "help"):
        return dispatch.run(__name__, COMMANDS, arguments[0], arguments[1:])
    print(dispatch.describe(PROGRAM, SUMMARY, COMMANDS))
    if arguments:
        raise SystemExit(0)
    return 2
