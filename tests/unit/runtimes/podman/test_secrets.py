from __future__ import annotations

from runtimes.podman.secrets import secret_uses

LINE = (
    "podman",
    "run",
    "--secret",
    "db",
    "--secret=key,type=env,target=KEY",
    "--secret",
    "db,target=/etc/db,mode=0400",
)
COMMAND = ("image", "prog", "--secret", "hunter2", "--secret=swordfish", "--secret")


def test_names_and_places_are_given_and_nothing_that_is_no_name() -> None:
    found = secret_uses(["db", "db", "made-by-api"], [*LINE, *COMMAND], known={"db", "key", "made-by-api", "other"})
    assert [(use.name, use.given) for use in found] == [
        ("db", "file /etc/db"),
        ("db", "file /run/secrets/db"),
        ("key", "environment variable KEY"),
        ("made-by-api", "file /run/secrets/made-by-api"),
    ]


def test_what_the_engine_does_not_know_as_a_name_may_be_a_value() -> None:
    assert secret_uses([], [*LINE, *COMMAND], known=()) == ()
