"""Forwards audit rows to a webhook: JSON lines in the body of a POST, taken when the answer is 2xx.

Redirects are not followed (they would carry the rows, and the token, elsewhere), certificates are verified, and the
proxy of whoever started the server is not used. What the other side answers is never shown or kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ReadTimeoutError, SSLError

from opsmodal.audit.targets import TAKE_MAX_S, Address, Line, NotTaken
from opsmodal.version import installed_version

CONNECT_MAX_S = 5.0
ANSWER_MAX_BYTES = 65_536
"""Read so that the connection can be used again; a longer answer costs a new one."""
TYPE = "application/x-ndjson"


class ToWebhook:
    """One webhook, over one connection."""

    confirms = True

    def __init__(self, address: Address, *, token: str, ca_file: str) -> None:
        self.name = address.name
        self._url = address.url
        self._headers = {"Content-Type": TYPE, "User-Agent": f"opsmodal/{installed_version()}"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=1,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_MAX_S, read=TAKE_MAX_S),
            cert_reqs="CERT_REQUIRED",
            ca_certs=ca_file or None,
        )

    def take(self, lines: Sequence[Line]) -> None:
        """Send lines in one request. Raise NotTaken."""
        body = b"".join(line.text + b"\n" for line in lines)
        try:
            answer = self._pool.request(
                "POST", self._url, body=body, headers=self._headers, redirect=False, preload_content=False
            )
        except HTTPError as error:
            raise NotTaken(_told(error)) from error
        _finish(answer)
        if 300 <= answer.status < 400:
            raise NotTaken(
                f"The webhook answers {answer.status}, and redirects are not followed: name its own address."
            )
        if not 200 <= answer.status < 300:
            raise NotTaken(f"The webhook answers {answer.status}: look at its own log.")

    def look_after(self) -> None:
        """Do nothing: what was taken was confirmed."""

    def close(self) -> None:
        """Close the connection."""
        self._pool.clear()


def _finish(answer: urllib3.BaseHTTPResponse) -> None:
    """Read a short answer to its end. Its status has come, so whatever happens here changes nothing."""
    with suppress(HTTPError, OSError):
        if len(answer.read(ANSWER_MAX_BYTES)) < ANSWER_MAX_BYTES:
            answer.release_conn()
            return
    answer.close()


def _told(error: HTTPError) -> str:
    if isinstance(error, SSLError):
        return "The certificate of the webhook is not trusted: give its authority with OPSMODAL_AUDIT_FORWARD_CA_FILE."
    if isinstance(error, ReadTimeoutError):
        return f"The webhook did not answer within {TAKE_MAX_S:.0f} s: look at its own log."
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return "The webhook cannot be reached: check its address and the network."
    return "The connection to the webhook broke: look at its own log."
