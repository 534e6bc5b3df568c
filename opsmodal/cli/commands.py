"""Gathers the commands, and turns every problem into a sentence and an exit code."""

from __future__ import annotations

import logging
from typing import Any

import click

from opsmodal.cli.audit import audit
from opsmodal.cli.connection import connection
from opsmodal.cli.demo import demo
from opsmodal.cli.doctor import doctor
from opsmodal.cli.documents import apply, diff, export
from opsmodal.cli.guard import guard
from opsmodal.cli.host_keys import host_key
from opsmodal.cli.identities import identity
from opsmodal.cli.people import token, user
from opsmodal.cli.registry_logins import registry_login
from opsmodal.cli.serve import serve
from opsmodal.cli.sessions import session
from opsmodal.cli.wording import say, say_rejected
from opsmodal.version import installed_version

log = logging.getLogger(__name__)

FAILED = 1
WRONG_USAGE = 2


class Commands(click.Group):
    """A group whose commands may raise the problems of any layer."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; say what it raised."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click answers these itself
        except Exception as error:  # noqa: BLE001  (the program's top: nothing may reach the terminal as a trace)
            ctx.exit(said(error))


def said(error: Exception) -> int:
    """Say an error on standard error; give the exit code."""
    from opsmodal.cli.opened import WrongSettings
    from opsmodal.errors import Rejected

    if isinstance(error, WrongSettings):
        say_rejected(error.rejected, source="")
        return WRONG_USAGE
    if isinstance(error, Rejected):
        say_rejected(error, source="")
        return FAILED
    sentence = getattr(error, "sentence", "")
    if isinstance(error, OSError) and error.filename:
        sentence = f"{error.filename}: {error.strerror}."
    if not sentence:
        log.debug("unexpected problem", exc_info=error)
        sentence = f"This should not have happened: {type(error).__name__}."
        say(sentence, "Run it again with OPSMODAL_LOG=debug and report what it prints.")
        return FAILED
    say(sentence, getattr(error, "hint", ""))
    return FAILED


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(installed_version(), prog_name="opsmodal", message="%(prog)s %(version)s")
def main() -> None:
    """One operations page per service, on Kubernetes, Docker and Podman."""
    _log_to_standard_error()


def _log_to_standard_error() -> None:
    import os

    level = os.environ.get("OPSMODAL_LOG", "warning").upper()
    known = level if level in ("DEBUG", "INFO", "WARNING", "ERROR") else "WARNING"
    logging.basicConfig(level=known, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if known == "WARNING":  # a full pool is no matter for whoever reads this log, and may be said 200 times a follow
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


user.add_command(identity)
for command in (
    demo,
    serve,
    apply,
    diff,
    export,
    user,
    session,
    token,
    audit,
    connection,
    host_key,
    registry_login,
    guard,
    doctor,
):
    main.add_command(command)
