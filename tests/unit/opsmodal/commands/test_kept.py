"""What is kept of an output: the same pieces, without the secrets in them, wherever the pieces were cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsmodal.audit.redaction import MASK, redacted
from opsmodal.commands import kept as kept_module
from opsmodal.commands.ending import Ending
from opsmodal.commands.kept import (
    BLOCK_CHARS,
    BLOCK_MAX_CHARS,
    Frame,
    Kept,
    KeptCommand,
    TooSecret,
    mask,
    pack,
    unpack,
)
from opsmodal.commands.pieces import unpacked

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEow8abcQ/+x\n" * 30 + "-----END RSA PRIVATE KEY-----\n"
SECRETS = (
    f"{KEY}done\n",
    "DB_PASSWORD=hunter2hunter2\n",
    'curl -H "Authorization: Bearer abcdefgh12345678"\n',
    "postgres://shop:hunter2@db/shop\n",
)
FRAMES = st.lists(
    st.tuples(st.sampled_from(["stdout", "stderr"]), st.text(st.characters(exclude_categories=["Cs"]))), max_size=20
)


def kept(frames: list[Frame]) -> Kept:
    return unpack(pack(frames))


@given(FRAMES)
def test_the_pieces_stay_as_many_as_they_were(frames: list[Frame]) -> None:
    found = kept(frames)
    assert [source for source, _ in found.frames] == [source for source, _ in frames]
    for name in ("stdout", "stderr"):
        whole = "".join(part for source, part in frames if source == name)
        assert "".join(part for source, part in found.frames if source == name) == redacted(whole)


@given(st.sampled_from(SECRETS), st.data())
def test_a_secret_is_masked_wherever_it_was_cut_and_whatever_stands_between(secret: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(secret)), max_size=4)))
    parts = [secret[start:end] for start, end in zip([0, *cuts], [*cuts, len(secret)], strict=True)]
    frames: list[Frame] = []
    for part in parts:
        frames += [("stdout", part), ("stderr", "between\n")]
    found = kept(frames)
    text = "".join(part for source, part in found.frames if source == "stdout")
    assert found.masked
    assert text == redacted(secret)
    assert MASK in text
    assert "".join(part for source, part in found.frames if source == "stderr") == "between\n" * len(parts)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", [0, -40, -700, 300])
def test_a_secret_at_the_border_of_a_block_is_masked(secret: str, around: int) -> None:
    before = ("a line of nothing\n" * (BLOCK_CHARS // 18 + 1))[: BLOCK_CHARS + around]
    text = f"{before}\n{secret}" + "and more of it\n" * 5000
    assert mask(text) == redacted(text)
    assert MASK in mask(text)


@pytest.mark.parametrize("line", ["x" * 3 * BLOCK_MAX_CHARS, '{"password":"hunter2","a":1},' * 40_000])
def test_a_line_without_an_end_is_masked_in_parts_all_the_same(line: str) -> None:
    assert mask(line) == redacted(line)


def test_a_long_output_with_a_secret_of_kubernetes_is_not_kept() -> None:
    """Its data may stand far from its kind, so that no part of it can be judged alone."""
    item = "- apiVersion: v1\n  data:\n    word: aHVudGVyMg==\n  kind: Secret\n"
    assert "aHVudGVyMg" not in mask("items:\n" + item * 100)
    with pytest.raises(TooSecret):
        mask("items:\n" + item * (BLOCK_MAX_CHARS // len(item) + 1))


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "KEPT_MAX_CHARS", 10)
    found = kept([("stdout", "12345678"), ("stderr", "abcdef"), ("stdout", "more")])
    assert (found.frames, found.cut) == ([("stdout", "12345678"), ("stderr", "ab")], True)


@given(FRAMES, st.integers(0, 25), st.integers(1, 5))
def test_what_is_kept_is_read_by_the_numbers_that_its_pieces_had(frames: list[Frame], offset: int, limit: int) -> None:
    ending = Ending(exit_code=0, reason="exited", sentence="", duration_ms=0, bytes=0)
    past = KeptCommand(id="a", began_at=None, ending=ending, frames=frames)  # type: ignore[arg-type]  # not asked for
    read = past.read(offset, limit=limit, wait_s=0)
    assert [at for at, _ in read] == list(range(offset, min(offset + limit, len(frames))))
    assert [unpacked(record) for _, record in read] == frames[offset : offset + limit]
