"""The Logs tab: text, JSON lines, a download, and following over a socket that may be cut."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import websocket
from sqlalchemy import select

from opsmodal.store.tables.audit import AuditRow
from tests.web.conftest import Installation


def test_lines_as_text_and_as_json(shown: Installation) -> None:
    client = shown.client("developer")
    text = client.get("/services/shop/logs?instance=db-0&tail=3")
    assert text.mimetype == "text/plain"
    assert len(text.text.splitlines()) == 3
    lines = client.get("/services/shop/logs?instance=db-0&tail=3", headers={"Accept": "application/x-ndjson"})
    values = [json.loads(line) for line in lines.text.splitlines()]
    assert [value["text"] for value in values] == text.text.splitlines()
    assert {(value["instance"], value["container"]) for value in values} == {("db-0", "db")}


def test_all_replicas_are_merged_by_time_with_their_source(shown: Installation) -> None:
    lines = shown.client().get("/services/shop/logs?tail=60&timestamps=true").text.splitlines()
    stamps = [line.split(" ")[0] for line in lines]
    assert stamps == sorted(stamps)
    assert len({line.split(" ")[1] for line in lines}) > 1


def test_search_since_and_previous(shown: Installation) -> None:
    client = shown.client()
    assert "GET" in client.get("/services/shop/logs?search=get&tail=100").text
    assert client.get("/services/shop/logs?search=no-such-text-anywhere").text == ""
    assert client.get("/services/shop/logs?since=0s").text.count("\n") <= 5
    crashing = client.get("/services/payments/instances").json["items"][0]["name"]
    assert "Error" in client.get(f"/services/payments/logs?instance={crashing}&previous=true").text


@pytest.mark.parametrize("query", ["tail=x", "tail=-1", "since=yesterday", "previous=maybe", "tail=10001"])
def test_a_wrong_question_is_refused_with_a_sentence(shown: Installation, query: str) -> None:
    answer = shown.client().get(f"/services/shop/logs?{query}")
    assert answer.status_code == 400
    assert answer.json["detail"]


def test_an_instance_of_another_service_has_no_logs_here(shown: Installation) -> None:
    other = shown.client().get("/services/payments/instances").json["items"][0]["name"]
    assert shown.client().get(f"/services/shop/logs?instance={other}").status_code == 404


def test_a_download_is_a_file_and_an_audit_row(changed: Installation) -> None:
    answer = changed.client("developer").get("/services/shop/logs?instance=db-0&download=true")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="shop-')
    assert answer.text
    assert ("developer", "logs.download", "done") in changed.audited()


def test_a_download_of_one_log_is_the_log_to_the_byte_and_so_it_is_audited(changed: Installation) -> None:
    for line in (b"\xff\xfe no text", b"2020-01-01T00:00:00Z own stamp", "€".encode() * 400_000, b"windows\r", b""):
        assert changed.cluster.write_log("shop", "db-0", "db", line)
    answer = changed.client("developer").get("/services/shop/logs?instance=db-0&tail=5&download=true")
    logged = b"\xff\xfe no text\n2020-01-01T00:00:00Z own stamp\n" + "€".encode() * 400_000 + b"\nwindows\r\n\n"
    assert answer.data == logged
    with changed.store.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == "logs.download", AuditRow.outcome == "done"))
        assert [row.bytes_count for row in rows] == [len(logged)]


@pytest.mark.parametrize("query", ["container=*", "timestamps=true"])
def test_a_prefix_stands_once_before_each_whole_line(changed: Installation, query: str) -> None:
    for line in (b"a" * 200_000, b"\xff", b"end"):
        assert changed.cluster.write_log("shop", "db-0", "db", line)
    data = changed.client().get(f"/services/shop/logs?instance=db-0&tail=6&download=true&{query}").data
    assert [line.split(b" ", 1)[1] for line in data.splitlines()[-3:]] == [b"a" * 200_000, b"\xff", b"end"]


def test_the_page_shows_colours_safely_and_offers_instances(changed: Installation) -> None:
    assert changed.cluster.write_log("shop", "db-0", "db", b"\x1b[31mred\x1b[0m <b>bold</b> \x1b]0;title\x07 \xff\xfe")
    page = changed.browser("developer").get("/services/shop/logs?instance=db-0&tail=5")
    assert page.status_code == 200
    assert 'class="fg-red"' in page.text
    assert "<b>bold</b>" not in page.text
    assert "&lt;b&gt;bold" in page.text
    assert "\x1b" not in page.text
    assert "\x07" not in page.text


def test_following_goes_on_where_it_was_cut(changed: Installation, served: str) -> None:
    first = Following(changed, served, "instance=db-0&tail=1")
    first.until_open()
    first.write("one", "two")
    assert first.until("two") == ["one", "two"]
    first.socket.close()
    first.write("three")
    again = Following(changed, served, f"job={first.job}&offset={first.offset}")
    again.write("four")
    assert again.until("four") == ["three", "four"], "nothing lost, nothing repeated"
    again.socket.close()


def test_a_follow_is_its_owners(changed: Installation, served: str) -> None:
    changed.registry.put("grants", {"user": "developer", "role": "developer", "services": ["shop"]})
    mine = Following(changed, served, "instance=db-0&tail=0")
    theirs = Following(changed, served, f"job={mine.job}&offset=0", user="developer")
    assert theirs.last["reason"] == "refused"
    mine.socket.close()
    theirs.socket.close()


@pytest.mark.parametrize("ending", ["grant", "user", "session"])
def test_a_follow_ends_when_the_right_ends(changed: Installation, served: str, ending: str) -> None:
    following = Following(changed, served, "instance=db-0&tail=1", user="developer")
    if ending == "grant":
        changed.registry.remove("grants", "user developer on service shop")
    elif ending == "user":
        changed.people.disable("developer")
    else:
        changed.people.revoke_token(changed.people.tokens("developer")[0].id)
    began = time.monotonic()
    while "reason" not in following.last:
        following.receive()
    assert following.last["reason"] == "refused"
    assert time.monotonic() - began < 5
    following.socket.close()


class Following:
    """A page that follows."""

    def __init__(self, installation: Installation, served: str, query: str, *, user: str = "admin") -> None:
        self._cluster = installation.cluster
        self.job, self.offset, self.last = "", 0, {}
        self._lines: list[str] = []
        address = f"{served.replace('http', 'ws')}/api/v1/services/shop/logs/follow?{query}"
        headers = [f"Authorization: Bearer {installation.tokens[user]}"]
        self.socket = websocket.create_connection(address, header=headers, timeout=20, suppress_origin=True)
        self.receive()

    def write(self, *texts: str) -> None:
        for text in texts:
            assert self._cluster.write_log("shop", "db-0", "db", f"marked {text}".encode())

    def receive(self) -> dict[str, Any]:
        self.last = json.loads(self.socket.recv())
        self.job, self.offset = self.last.get("job", self.job), self.last.get("offset", self.offset)
        self._lines += [line["text"] for line in self.last.get("lines", ())]
        return self.last

    def until_open(self) -> None:
        """Wait for the first line: what is written before the log is open is not followed."""
        while not self._lines:
            self.receive()

    def until(self, text: str) -> list[str]:
        while f"marked {text}" not in self._lines:
            self.receive()
        return [line.removeprefix("marked ") for line in self._lines if line.startswith("marked ")]
