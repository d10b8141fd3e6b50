"""Whether a file can be downloaded, answered within seconds."""

import http.client
import queue
import threading
import urllib.request

ANSWER_SECONDS = 3.0


def why_unreachable(url: str, num_bytes: int) -> str:
    """Returns why `url` cannot be downloaded, or an empty text; nothing is downloaded.

    Args:
        url: Of a file.
        num_bytes: Its known length: another one is not the file but, say, the login
            page of a hotel.
    """
    answers: queue.Queue[str] = queue.Queue()
    # A thread of its own: looking up a host name has no timeout.
    threading.Thread(
        target=lambda: answers.put(_ask(url, num_bytes)), daemon=True
    ).start()
    try:
        return answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        return f"no answer in {ANSWER_SECONDS:.0f} s"


def _ask(url: str, num_bytes: int) -> str:
    request = urllib.request.Request(url, method="HEAD")
    # A new opener each time, since the shared one remembers the first proxy settings.
    opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as response:
            found = response.headers.get("Content-Length")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {getattr(error, 'reason', error)}"
    if found != str(num_bytes):
        return f"answers with {found} bytes instead of the {num_bytes:,} known"
    return ""
