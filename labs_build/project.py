"""Where the project lives: setup.cfg holds the URL, and nothing else does."""

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[1]
BRANCH = "main"


def url() -> str:
    """Returns the address of the project's repository, without a slash at its end."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return settings["metadata"]["url"].rstrip("/")


def file_url(path: str) -> str:
    """Returns the address of a file, given its path from the root of the project."""
    return f"{url()}/blob/{BRANCH}/{path}"


def colab_url(path: str) -> str:
    """Returns the address that opens a notebook of the project in Colab."""
    repository = url().removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{repository}/blob/{BRANCH}/{path}"
