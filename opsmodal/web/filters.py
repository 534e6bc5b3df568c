"""How values look on a page: ages, sizes, shapes. Pure; every function takes a value and gives a short text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from markupsafe import Markup

from opsmodal.web import console, quantities
from opsmodal.web.ansi import ACTING, visible
from runtimes.base import Container, Severity

DASH = "–"
SHAPES = {Severity.OK: "●", Severity.PROGRESS: "◐", Severity.ERROR: "▲", Severity.NEUTRAL: "○"}
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024
NAME_WIDTH = 48
SIDE_BY_SIDE = ("container", "sidecar")
"""Kinds of containers that use resources at the same time; init containers have ended before."""


def age(seconds: float | None) -> str:
    """Say an age in one unit, two where it helps: `42 s`, `3 m`, `5 h`, `2 d 4 h`."""
    if seconds is None:
        return DASH
    whole = max(0, int(seconds))
    if whole < 2 * MINUTE_S:
        return f"{whole} s"
    if whole < 2 * HOUR_S:
        return f"{whole // MINUTE_S} m"
    if whole < 2 * DAY_S:
        return f"{whole // HOUR_S} h"
    days, hours = whole // DAY_S, whole % DAY_S // HOUR_S
    return f"{days} d {hours} h" if days < 8 and hours else f"{days} d"


def since(at: datetime | None) -> str:
    """Say how long ago a moment was."""
    return DASH if at is None else age((datetime.now(UTC) - at).total_seconds())


def utc(at: datetime | None) -> str:
    """Write a moment in full, for hover and screen readers."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(at: datetime | None) -> str:
    """Write the time of day of a moment."""
    return DASH if at is None else at.astimezone(UTC).strftime("%H:%M:%S UTC")


def size(count: float | None) -> str:
    """Write a number of bytes with its unit: `512 MiB`."""
    if count is None:
        return DASH
    value = float(count)
    for unit in UNITS:
        if abs(value) < STEP or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"
        value /= STEP
    return DASH


def cores(count: float | None) -> str:
    """Write CPU cores: thousandths below one, as the field does (`250 m`), else `1.5`."""
    if count is None:
        return DASH
    return f"{count * 1000:.0f} m" if count < 1 else f"{count:.3g}"


def shape(severity: Severity | str | None) -> str:
    """Give the shape of a severity: state is never colour alone."""
    return SHAPES.get(Severity(severity), "○") if severity in set(Severity) else "○"


def middle(text: str, width: int = NAME_WIDTH) -> str:
    """Shorten a long name in its middle; what tells two apart is mostly at the ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def image(name: str) -> str:
    """Shorten an image's digest, and leave the rest as it is."""
    base, _, digest = name.partition("@sha256:")
    return f"{base}@{digest[:12]}" if digest else base


def plural(count: int, noun: str) -> str:
    """Count a noun: `1 pod`, `3 pods`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def changed(args: Mapping[str, str], **changes: str | int | None) -> str:
    """Write a query string with some parameters changed: `?search=web&sort=-restarts`. What is empty is left out."""
    merged = {**dict(args.items()), **changes}
    return "?" + urlencode({name: value for name, value in merged.items() if value not in ("", None)})


def summed(containers: Iterable[Container], name: str) -> float | None:
    """Sum a request or limit over the containers that run side by side; None where any of them sets nothing."""
    values = [getattr(each.resources, name) for each in containers if each.kind in SIDE_BY_SIDE]
    return sum(values) if values and None not in values else None


def percent(part: float | None, whole: float | None) -> float | None:
    """Say how much of a whole something is, in percent; None where either is not known."""
    return None if part is None or not whole else round(part / whole * 100, 1)


def seen(value: Any) -> Any:
    """Make what a template writes harmless to look at: characters that act instead of being seen are shown.

    An event, a label or a path can hold them as well as a log: an override of the reading direction makes one name
    look like another (CVE-2021-42574). Line breaks stay: forms hold documents.
    """
    if not isinstance(value, str) or isinstance(value, Markup) or not ACTING.search(value):
        return value
    return ACTING.sub(lambda found: visible(found[0]), value)


FILTERS = (
    age,
    since,
    utc,
    clock,
    size,
    cores,
    shape,
    middle,
    image,
    plural,
    changed,
    summed,
    percent,
    *console.FILTERS,
    *quantities.FILTERS,
)


def install(app: Flask) -> None:
    """Give the templates these filters, and let everything that they write pass through `seen`."""
    app.jinja_env.finalize = seen
    for function in FILTERS:
        app.jinja_env.filters[function.__name__] = function
