"""`opsmodal serve` with two addresses more, which do the same work: one through the door, one without.

What the door costs a request cannot be seen on a route that is there, since none is there without it. Only the
benchmark starts this program.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()  # as `opsmodal serve` does, before anything that makes locks is imported

from flask import Flask, Response  # noqa: E402

from opsmodal import actions, app  # noqa: E402
from opsmodal.answers import Done  # noqa: E402
from opsmodal.cli import main  # noqa: E402
from opsmodal.settings import Settings  # noqa: E402
from opsmodal.store.store import Store  # noqa: E402
from opsmodal.web.asking import EXTENSION, actor  # noqa: E402
from opsmodal.web.respond import json_answer  # noqa: E402
from tests.bench.audited import BARE, GUARDED, SERVICE  # noqa: E402


def create_app(settings: Settings, store: Store) -> Flask:
    """Make the application, and add the two."""
    made = _create_app(settings, store)
    door = made.extensions[EXTENSION].services._door

    @made.get(BARE)
    def bare() -> Response:
        return _work()

    @made.get(GUARDED)
    def guarded() -> Response:
        leave = door.enter(actor(), actions.LOGS_DOWNLOAD, SERVICE)
        with door.act(leave, target="bench"):
            return _work()

    return made


def _work() -> Response:
    return json_answer(Done(sentence="It was done.", targets=(SERVICE,)))


_create_app, app.create_app = app.create_app, create_app

if __name__ == "__main__":
    main()
