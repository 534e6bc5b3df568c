"""Values of secrets are taken out of what a command printed, whatever the format; where that is in doubt, all of it."""

from __future__ import annotations

import base64
import json
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Exit, Output
from opsmodal.audit.redaction import MASK
from opsmodal.operations.command_masking import (
    DEEPEST,
    TOO_LONG,
    YAML_MAX_CHARS,
    YAML_TOO_LONG,
    MaskedStream,
    mask_errors,
    mask_output,
    output_format,
    prints_no_values,
)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
PLAIN = "swordfish"
ENCODED = base64.b64encode(PLAIN.encode()).decode()
GET = ("kubectl", "-n", "shop", "get", "secret")
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "annotations": {LAST_APPLIED: f'{{"stringData":{{"a":"{PLAIN}"}}}}', "kept": "yes"}},
    "data": {"password": ENCODED, "user": ENCODED},
    "stringData": {"password": PLAIN},
    "type": "Opaque",
}
SHAPES = (
    SECRET,
    {"apiVersion": "v1", "kind": "List", "items": [SECRET, {"kind": "ConfigMap", "data": {"a": "plain"}}]},
    {"type": "ADDED", "object": SECRET},
    {**SECRET, "data": None, "stringData": ENCODED},
    {**SECRET, "data": [ENCODED]},
    {"kind": "Deployment", "spec": {"template": {"deep": [[{"x": SECRET}]]}}},
)


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
@pytest.mark.parametrize("times", [1, 3])
def test_no_value_is_left_in_json_and_yaml_and_every_name_is(shape: object, times: int) -> None:
    texts = {
        "json": json.dumps(shape, indent=4) * times,
        "yaml": yaml.safe_dump_all([shape] * times),
    }
    for name, text in texts.items():
        shown, withheld = mask_output((*GET, "-o", name), text)
        assert withheld == ""
        assert PLAIN not in shown
        assert ENCODED not in shown
        assert "db" in shown
        assert MASK in shown


def test_other_kinds_keep_their_data_and_other_annotations_stay() -> None:
    shown, _ = mask_output((*GET, "-ojson"), json.dumps(SHAPES[1]))
    value = json.loads(shown)
    assert value["items"][1]["data"] == {"a": "plain"}
    assert value["items"][0]["metadata"]["annotations"] == {LAST_APPLIED: MASK, "kept": "yes"}
    assert value["items"][0]["data"] == {"password": MASK, "user": MASK}


@pytest.mark.parametrize(
    "given",
    ["-o=jsonpath={.data}", "-ogo-template={{.data}}", "-ocustom-columns=A:.data", "-o=kyaml", "--template={{.data}}"],
)
def test_a_format_in_which_a_value_could_stand_anywhere_is_withheld(given: str) -> None:
    shown, withheld = mask_output((*GET, given), f"x {ENCODED}")
    assert (shown, withheld.endswith(".")) == ("", True)


@pytest.mark.parametrize(
    "text", ["{", '{"kind": "Secret"', "a: [", "\x00", "{}" * 3 + "x", "[" * 100_000, "- " * 100_000]
)
@pytest.mark.parametrize("name", ["json", "yaml"])
def test_what_cannot_be_read_is_withheld(name: str, text: str) -> None:
    shown, _ = mask_output((*GET, "-o", name), text.replace("Secret", f"Secret {PLAIN}"))
    assert PLAIN not in shown


@given(st.text())
def test_no_text_breaks_it_or_gets_through_as_it_is(text: str) -> None:
    for name in ("json", "yaml"):
        mask_output((*GET, "-o", name), text)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ""),
        (["-o", "yaml"], "yaml"),
        (["-oYAML"], "yaml"),
        (["-o=json"], "json"),
        (["--output", "wide"], "wide"),
        (["--output=name"], "name"),
        (["-wo", "yaml"], "yaml"),
        (["-Aoyaml"], "yaml"),
        (["-w=true", "-ojson"], "json"),
        (["-l", "app=foo"], ""),
        (["-lapp=foo"], ""),
        (["-Lfoo"], ""),
        (["-o", "yaml", "-o", "name"], "several"),
        (["-oyaml", "--selector", "-oname"], "several"),
        (["--", "-oyaml"], ""),
        (["-o"], ""),
    ],
)
def test_a_format_is_found_however_it_is_spelled(words: list[str], found: str) -> None:
    assert output_format([*GET, *words]) == found


def test_yaml_that_takes_too_long_is_withheld_with_what_to_use_instead() -> None:
    text = f"kind: Secret\ndata:\n  a: {ENCODED}\nx:\n" + "- a\n" * (YAML_MAX_CHARS // 4)
    assert mask_output((*GET, "-oyaml"), text) == ("", YAML_TOO_LONG)


def test_yaml_up_to_that_length_is_masked() -> None:
    text = f"kind: Secret\ndata:\n  a: {ENCODED}\nx:\n"
    text += "- a\n" * ((YAML_MAX_CHARS - len(text)) // 4)
    shown, withheld = mask_output((*GET, "-oyaml"), text)
    assert (withheld, ENCODED in shown, shown.count("- a\n")) == ("", False, text.count("- a\n"))


OVERWRITTEN = f'error: --overwrite is false but found a value ({{"kind":"Secret","data":{{"a":"{ENCODED}"}}}})\n'


def test_documents_are_cut_off_what_it_says_on_standard_error() -> None:
    assert mask_errors(OVERWRITTEN + "more") == f"error: --overwrite is false but found a value ({MASK}\nmore"
    assert ENCODED not in mask_errors(f"object was:\n\tmap[data:map[a:{ENCODED}]]")


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("words", [(), ("-o", "yaml")])
def test_documents_are_cut_off_however_standard_error_comes(size: int, words: tuple[str, ...]) -> None:
    data = (OVERWRITTEN * 2).encode()
    pieces = [Output("stderr", data[at : at + size]) for at in range(0, len(data), size)]
    said = list(MaskedStream(Told(*pieces, Exit(code=1)), (*GET, *words), max_bytes=10_000))
    shown = b"".join(each.data for each in said if isinstance(each, Output) and each.source == "stderr").decode()
    assert shown == mask_errors(OVERWRITTEN * 2)
    assert isinstance(said[-1], Exit)


@pytest.mark.parametrize(
    "argv",
    [
        ("kubectl", "-n", "shop", "annotate", "secret", "db", "--list=true"),
        ("kubectl", "-n", "describe", "get", "secret", "db", "-ojson"),
        ("kubectl", "-n", "get", "describe", "secret", "db"),
    ],
)
def test_what_could_hold_values_is_not_shown_as_it_is(argv: tuple[str, ...]) -> None:
    assert not prints_no_values(argv)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml")
def test_depth_is_bounded_where_the_composer_would_end_the_process() -> None:
    """Levels below YAML_MAX_CHARS are enough for libyaml's composer to overrun the stack."""
    for text in ("- " * 50_000, "".join(" " * level + "a:\n" for level in range(DEEPEST + 5))):
        shown, withheld = mask_output((*GET, "-oyaml"), text)
        assert (shown, "could not be read as YAML" in withheld) == ("", True)
    assert mask_output((*GET, "-oyaml"), "- " * (DEEPEST - 2) + "a")[1] == ""


def test_times_stay_the_text_that_they_are() -> None:
    shown, _ = mask_output((*GET, "-oyaml"), "kind: Secret\nat: 2026-11-21T12:00:00Z\n")
    assert "at: '2026-11-21T12:00:00Z'" in shown


def test_a_long_table_is_masked_with_rests_and_one_with_a_secret_in_it_is_withheld(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rested: list[float] = []
    monkeypatch.setattr(time, "sleep", rested.append)
    table = "db   Opaque   2   4d\n" * 20_000
    assert mask_output(GET, table + "password: swordfish\n") == (table + f"password: {MASK}\n", "")
    assert len(rested) > 10
    assert mask_output(GET, table + "kind: Secret\n") == ("", TOO_LONG)


class Told:
    """A stream that gives what it was given."""

    def __init__(self, *items: Output | Exit) -> None:
        self.items = items
        self.closed = False

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.items)

    def close(self) -> None:
        self.closed = True


def test_a_stream_of_values_comes_masked_when_it_has_all_come() -> None:
    text = yaml.safe_dump(SECRET).encode()
    told = Told(Output("stdout", text[:40]), Output("stderr", b"hm"), Output("stdout", text[40:]), Exit(code=0))
    items = list(MaskedStream(told, (*GET, "-oyaml"), max_bytes=10_000))
    assert [getattr(item, "source", "exit") for item in items] == ["stderr", "stdout", "exit"]
    shown = b"".join(item.data for item in items if isinstance(item, Output)).decode()
    assert MASK in shown
    assert ENCODED not in shown


def test_a_stream_that_is_too_long_to_mask_shows_nothing_and_a_table_comes_as_it_is() -> None:
    long = Told(Output("stdout", ENCODED.encode() * 100), Exit(code=0))
    shown = b"".join(
        item.data for item in MaskedStream(long, (*GET, "-oyaml"), max_bytes=100) if isinstance(item, Output)
    )
    assert ENCODED.encode() not in shown
    assert shown
    table = Told(Output("stdout", b"NAME  DATA\n"), Output("stdout", b"db    2\n"), Exit(code=0))
    stream = MaskedStream(table, GET, max_bytes=100)
    assert list(stream) == list(table.items)
    stream.close()
    assert table.closed
