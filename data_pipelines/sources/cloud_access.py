"""Whether a URL's storage can be reached, and what to do where it cannot."""

import contextlib
import http
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from data_pipelines.errors import DataError
from data_pipelines.sources.watched_threads import run_watched

_STORAGE = "https://storage.googleapis.com/"
_METADATA_SERVER = "http://metadata.google.internal/"
_ANSWER_SECONDS = 5.0
_LOG_IN = (
    "log in as an account that may read it: `gcloud auth application-default login`, "
    "in Colab `from google.colab import auth; auth.authenticate_user()`"
)


def open_filesystem(url: str) -> Any:
    """Returns `tf.io.gfile`, once it is known to reach the storage of `url`.

    Raises:
        DataError: TensorFlow is missing or cannot read such URLs, or there is no way
            to Google's storage; within seconds.
    """
    scheme = url.partition("://")[0]
    by_hand = f"copy it with `gcloud storage cp -r {url} FOLDER` and name the folder"
    try:
        import tensorflow as tf
    except ImportError as error:
        raise DataError(f"{url}: needs TensorFlow; else {by_hand}") from error
    schemes = tf.io.gfile.get_registered_schemes()
    if scheme not in schemes:
        # Built into TensorFlow's wheels for Linux, not into those for Windows.
        raise DataError(
            f"{url}: this TensorFlow reads {', '.join(sorted(filter(None, schemes)))} "
            f"only, not {scheme}://; {by_hand}"
        )
    if scheme == "gs":
        answer = _ask(_STORAGE)
        if isinstance(answer, str):
            raise DataError(f"{url}: {_STORAGE} cannot be reached ({answer})")
    return tf.io.gfile


def explain(error: Exception, url: str) -> str:
    """Returns one line on what a TensorFlow error on reading `url` means."""
    import tensorflow as tf

    first_line = str(error).strip().partition("\n")[0]
    if isinstance(
        error, tf.errors.PermissionDeniedError | tf.errors.UnauthenticatedError
    ):
        return f"{url}: access denied; {_LOG_IN} ({first_line})"
    if isinstance(error, tf.errors.NotFoundError):
        return f"{url}: no such bucket, folder or file"
    return f"{url}: cannot be read: {first_line}"


@contextlib.contextmanager
def quick_credentials(url: str) -> Iterator[None]:
    """Keeps TensorFlow from looking for credentials where they cannot be.

    For gs:// only. Without a credentials file it asks the metadata server of Google's
    machines, with ten retries (github.com/tensorflow/tensorflow/issues/25463), which
    takes minutes on any other machine, unless NO_GCE_CHECK is set. It is reset, as a
    notebook may log in later, which starts such a server.
    """
    given = {"GCE_METADATA_HOST", "NO_GCE_CHECK"} & os.environ.keys()
    if not url.startswith("gs://") or given or _has_metadata_server():
        yield
        return
    os.environ["NO_GCE_CHECK"] = "true"
    try:
        yield
    finally:
        os.environ.pop("NO_GCE_CHECK", None)


def _has_metadata_server() -> bool:
    answer = _ask(_METADATA_SERVER)
    return isinstance(answer, int) and answer < http.HTTPStatus.INTERNAL_SERVER_ERROR


def _ask(url: str) -> int | str:
    """Returns the status of any answer from `url`, or why there is none."""
    try:
        answers = run_watched(_request, [url], seconds=_ANSWER_SECONDS, errors=())
        return next(answers, "no answer")
    except TimeoutError as error:
        return str(error)


def _request(url: str) -> Iterator[int | str]:
    # A new opener each time, since the shared one remembers the first proxy settings.
    opener = urllib.request.build_opener()
    try:
        with opener.open(url, timeout=_ANSWER_SECONDS) as response:
            yield response.status
    except urllib.error.HTTPError as error:
        yield error.code
    except (OSError, http.client.HTTPException, ValueError) as error:
        yield f"{type(error).__name__}: {getattr(error, 'reason', error)}"
