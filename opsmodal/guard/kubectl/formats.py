"""Which formats of output pass. Those whose name ends in `-file` print a file of the server, and are refused."""

from __future__ import annotations

import re

from opsmodal.guard.kubectl.rules import Refused, shown
from opsmodal.guard.pflag import Read

PLAIN = frozenset({"", "json", "yaml", "kyaml", "name", "wide"})
TEMPLATES = frozenset({"jsonpath", "jsonpath-as-json", "go-template", "template", "custom-columns"})
MASKABLE = frozenset({"", "json", "yaml", "name", "wide"})
"""Formats in which the values of a secret can be found again, or do not appear."""
_BY_METADATA = re.compile(r"\{?\.?metadata\.[A-Za-z.]+\}?\Z")
"""What secrets may be ordered by: an order by a value tells of it."""
EXPLAINED = frozenset({"plaintext", "plaintext-openapiv2"})


def check_output(value: str, formats: frozenset[str] = PLAIN | TEMPLATES | EXPLAINED) -> None:
    """Judge one value of --output. Raise Refused."""
    name = value.partition("=")[0].lower()
    if name.endswith("file"):
        raise Refused("kubectl-output", f"The format {shown(name)} prints a file of the server.")
    if name not in formats:
        raise Refused("kubectl-output", f"“{shown(name)}” is no format that is known here.")


def check_maskable(read: Read) -> None:
    """Judge all that shapes output by whether values of secrets can still be masked in it. Raise Refused."""
    for given in read.given:
        if given.flag.name == "output" and given.value.lower() not in MASKABLE:
            raise Refused("kubectl-secret", f"The values of secrets cannot be masked in {shown(given.value)}.")
        ordered = given.flag.name == "sort-by" and not _BY_METADATA.match(given.value)
        if ordered or given.flag.name in ("template", "output-watch-events"):
            raise Refused("kubectl-secret", f"The values of secrets cannot be masked with {given.spelled}.")
