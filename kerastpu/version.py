"""The one place that holds the version and the project's address."""

VERSION = "0.1.0"
PROJECT_URL = "https://github.com/kerastpu/kerastpu"
