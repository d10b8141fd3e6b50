"""Tiny wheels: a name, a version, what it needs, and an empty module."""

import zipfile


def write(folder, name, version, needs=(), module=None, extras=()):
    """Writes a wheel that pip takes; returns its path."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Provides-Extra: {extra}" for extra in extras]
    lines += [f"Requires-Dist: {need}" for need in needs]
    contents = {
        f"{module or name.replace('-', '_')}/__init__.py": "",
        f"{stem}.dist-info/METADATA": "\n".join(lines) + "\n",
        f"{stem}.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\n"
            "Tag: py3-none-any\n"
        ),
    }
    record = f"{stem}.dist-info/RECORD"
    contents[record] = "".join(f"{name},,\n" for name in [*contents, record])
    with zipfile.ZipFile(path, "w") as archive:
        for place, text in contents.items():
            archive.writestr(place, text)
    return path
