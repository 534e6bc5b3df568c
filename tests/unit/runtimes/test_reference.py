"""Image references: what the grammar of distribution takes, and what it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.errors import Invalid
from runtimes.reference import Reference, reference

DIGEST = f"sha256:{'0af9' * 16}"

TAKEN: tuple[tuple[str, str, str, str], ...] = (
    ("web", "web", "", ""),
    ("web:1", "web", "1", ""),
    ("library/web:1.4.2-rc_1", "library/web", "1.4.2-rc_1", ""),
    ("example.com/a/b/c:v1", "example.com/a/b/c", "v1", ""),
    ("example.com:5000/web", "example.com:5000/web", "", ""),
    ("example.com:5000/web:2", "example.com:5000/web", "2", ""),
    ("localhost/web", "localhost/web", "", ""),
    ("Registry/web", "Registry/web", "", ""),
    ("127.0.0.1:5000/web:1", "127.0.0.1:5000/web", "1", ""),
    ("[::1]:5000/web:1", "[::1]:5000/web", "1", ""),
    (f"web@{DIGEST}", "web", "", DIGEST),
    (f"example.com:5000/web:1@{DIGEST}", "example.com:5000/web", "1", DIGEST),
    (f"web@sha512:{'0' * 128}", "web", "", f"sha512:{'0' * 128}"),
    ("a__b/c--d/e.f/g_h", "a__b/c--d/e.f/g_h", "", ""),
    ("web:_", "web", "_", ""),
    (f"web:{'t' * 128}", "web", "t" * 128, ""),
    ("xn--n3h.example/web", "xn--n3h.example/web", "", ""),
)
REFUSED: tuple[tuple[str, str], ...] = (
    ("", "without spaces"),
    (" web", "without spaces"),
    ("web\n", "without spaces"),
    ("web web", "no part of a name"),
    ("Web", "capital letters"),
    ("example.com/Web", "capital letters"),
    ("web:", "no tag"),
    (":1", "no part of a name"),
    ("web:-1", "no tag"),
    (f"web:{'t' * 129}", "no tag"),
    ("web:1:2", "no part of a name"),
    ("web/", "no part of a name"),
    ("/web", "no part of a name"),
    ("a//b", "no part of a name"),
    ("a___b", "no part of a name"),
    ("a/b..c", "no part of a name"),
    ("a/b.", "no part of a name"),
    ("a..b/c", "no registry"),
    ("a_b.c/d", "no registry"),
    ("-web", "no part of a name"),
    ("web_", "no part of a name"),
    ("example-.com/web", "no registry"),
    ("example.com:port/web", "no registry"),
    ("https://example.com/web", "no registry"),
    ("web@", "no digest"),
    ("web@sha256", "no digest"),
    (f"web@sha256:{'0' * 63}", "no digest"),
    (f"web@sha256:{'A' * 64}", "no digest"),
    (f"web@md5:{'0' * 32}", "no digest"),
    (f"web@{DIGEST}@{DIGEST}", "no digest"),
    ("a" * 256, "too long"),
    ("0af9" * 16, "id of an image"),
    ("web;reboot", "no part of a name"),
    ("web:$(reboot)", "no tag"),
    ("wéb", "no part of a name"),
    ("web:\u0661", "no tag"),
    ("a" * 5_000, "without spaces"),
)


@pytest.mark.parametrize(("text", "name", "tag", "digest"), TAKEN)
def test_a_reference_is_read(text: str, name: str, tag: str, digest: str) -> None:
    assert reference(text) == Reference(name=name, tag=tag, digest=digest)


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_what_is_none_is_refused_with_the_part_that_is_wrong(text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        reference(text)
    assert words in caught.value.sentence
    assert caught.value.hint


PATHS = st.from_regex(r"[a-z0-9]{1,8}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
HOSTS = st.from_regex(r"[a-zA-Z0-9]{1,8}(?:-[a-z0-9]{1,4})?\.[a-z]{2,5}(?::[0-9]{1,5})?", fullmatch=True)
TAGS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@given(
    host=st.one_of(st.just(""), HOSTS),
    path=st.lists(PATHS, min_size=1, max_size=4),
    tag=st.one_of(st.just(""), TAGS),
    digest=st.sampled_from(["", DIGEST]),
)
def test_what_the_grammar_makes_is_read_and_written_the_same(host: str, path: list[str], tag: str, digest: str) -> None:
    if not host and len(path) > 1:
        path = [path[0].replace(".", "-"), *path[1:]]  # with a dot it would be a registry
    text = "/".join([*([host] if host else []), *path]) + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    read = reference(text)
    assert (str(read), read.tag, read.digest) == (text, tag, digest)


@given(st.text(alphabet="aA0.:/@-_[] \n$é", max_size=40))
def test_whatever_is_typed_is_read_as_it_stands_or_refused(text: str) -> None:
    try:
        read = reference(text)
    except Invalid:
        return
    assert str(read) == text
    assert not any(sign.isspace() for sign in text)
