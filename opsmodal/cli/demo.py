"""`demo`: everything in one process with nothing installed, on loopback, gone without a trace afterwards."""

from __future__ import annotations

import json
import secrets
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from opsmodal.cli.opened import opened
from opsmodal.cli.wording import note

if TYPE_CHECKING:
    from opsmodal.cli.opened import Installation

LOOPBACK = "127.0.0.1"
PORT = 8080
USER = "demo"
BACKLOG = 128
WAKE_S = 0.5
"""How soon a signal ends the program when the main thread was not the one to take it."""


class PortTaken(Exception):
    """Somebody else listens on the port."""

    def __init__(self, port: int, why: str) -> None:
        super().__init__(why)
        self.sentence = f"Port {port} of {LOOPBACK} cannot be used: {why}."
        self.hint = "Choose another with --port, or any free one with --port 0."


@click.command()
@click.option("--port", default=PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free port.")
@click.option("--json", "as_json", is_flag=True, help="Print {url, token} as the first line instead of a link.")
def demo(port: int, *, as_json: bool) -> None:
    """Try opsmodal: a simulated cluster with three services, and the Docker and Podman engines of this machine."""
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signal())
        listener = stack.enter_context(_listening(port))
        folder = stack.enter_context(_folder())
        _serve(stack, listener, folder, as_json=as_json)


def _serve(stack: ExitStack, listener: socket.socket, folder: Path, *, as_json: bool) -> None:
    from opsmodal.app import close_app, create_app
    from opsmodal.cli.engines import Engines
    from opsmodal.cli.threaded import serving
    from opsmodal.demo import cluster
    from opsmodal.settings import Settings

    port = int(listener.getsockname()[1])
    settings = Settings(data_dir=folder, bind=f"{LOOPBACK}:{port}")
    simulated = cluster.start()
    stack.callback(simulated.stop)
    installation = stack.enter_context(opened(settings))
    _register_example(installation, simulated.kubeconfig())
    engines = Engines(installation)
    engines.register()
    app = create_app(settings, installation.store)
    stack.callback(close_app, app)
    with serving(app, listener):
        _print_access(installation, f"http://{LOOPBACK}:{port}", as_json=as_json)
        stack.callback(engines.stop)
        engines.discover()
        while True:  # no signal.pause(): a signal that another thread takes would not wake it
            if as_json or not _is_enter_pressed():
                time.sleep(WAKE_S)
            else:
                _print_link(installation, f"http://{LOOPBACK}:{port}")


def _register_example(installation: Installation, kubeconfig: str) -> None:
    from opsmodal.demo import example
    from opsmodal.registry.files import Sent

    installation.people.add(USER, password=None, admin=True)
    document = json.dumps(example.registry("demo.kubeconfig", user=USER)).encode()
    installation.registry.apply(document, Sent({"kubeconfig": kubeconfig}), by="demo")


def _print_access(installation: Installation, url: str, *, as_json: bool) -> None:
    if as_json:
        token = installation.people.new_token(USER, label="demo").secret
        click.echo(json.dumps({"url": url, "token": token}))
        return
    click.echo(f"opsmodal demo: {url}")
    _print_link(installation, url)
    folder = installation.settings.data_dir
    program = sys.argv[0] if Path(sys.argv[0]).is_file() else "opsmodal"
    command = f"{program} user link {USER} --data-dir {folder} --address {url}"
    other = "press Enter" if sys.stdin.isatty() else command
    note(f"The link works once, within a minute. For another one: {other}")
    note("The cluster “demo” is simulated; engines of this machine are real. Stop with Ctrl-C.")


def _print_link(installation: Installation, url: str) -> None:
    from opsmodal.people.links import sign_in_link

    click.echo(f"Sign in once with: {sign_in_link(url, installation.people.issue_ticket(USER))}")


def _is_enter_pressed() -> bool:
    """Wait a moment for a line on the terminal; without a terminal, or at its end, there is none."""
    if not sys.stdin.isatty():
        return False
    ready, _, _ = select.select([sys.stdin], [], [], WAKE_S)
    return bool(ready) and bool(sys.stdin.readline())


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Take the port before anything else is done: it is the one thing that is often not to be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(port, error.strerror or "it is taken") from error
    with listener:
        yield listener


@contextmanager
def _folder() -> Iterator[Path]:
    """Keep the data in a private folder that goes with the program."""
    folder = Path(tempfile.gettempdir()) / f"opsmodal-demo-{secrets.token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Ended(BaseException):
    """A signal asks the program to end."""


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """End quietly on Ctrl-C and on a polite request; clean up on the way out."""

    def end(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with suppress(_Ended):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
