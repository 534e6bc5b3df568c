"""What is written around an action: its intent before it runs, its outcome after, whatever becomes of it.

The door and the command line both write through here. An intent that cannot be written raises before anything has
happened; the outcome of something that has happened is never lost to an error of the action itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opsmodal.audit import Audit, Row

DONE, FAILED, STOPPED = "done", "failed", "stopped"
"""How an action ends: as it was meant to, by an error, or because whoever asked for it went away or ended it."""


@dataclass(slots=True)
class Outcome:
    """What an action reports of itself while it runs; written when it has ended.

    `word` is how it ended where it did not simply run through: a program that ran and failed raises nothing. `number`
    is that of the intent's row, None where nothing is written.
    """

    target: str = ""
    detail: str = ""
    bytes_count: int | None = None
    exit_code: int | None = None
    word: str = ""
    number: int | None = None


@contextmanager
def recorded(audit: Audit, row: Row) -> Iterator[Outcome]:
    """Write the intent, let the action run, write the outcome. Raise NotRecorded before anything has happened."""
    intent = audit.intend(row)
    started, outcome, word = time.monotonic(), Outcome(target=row.target, number=intent), FAILED
    try:
        yield outcome
        word = outcome.word or DONE
    except GeneratorExit:
        word = STOPPED
        raise
    except Exception as error:
        said = getattr(error, "recorded", "") or getattr(error, "sentence", type(error).__name__)
        outcome.detail = f"{outcome.detail} {said}".lstrip()
        raise
    finally:
        audit.close(
            intent,
            outcome=word,
            duration_ms=int((time.monotonic() - started) * 1000),
            detail=outcome.detail,
            bytes_count=outcome.bytes_count,
            exit_code=outcome.exit_code,
        )
