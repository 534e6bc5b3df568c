"""Plans of ConfigMaps and Secrets: what changes, as words, a diff and a line to type."""

from __future__ import annotations

import shlex

import pytest

from runtimes.config import ConfigChange, Holder, Use
from runtimes.kubernetes.config.objects import Stored
from runtimes.kubernetes.config.plans import diff_of, plan_of
from runtimes.kubernetes.objects.common import Metadata
from runtimes.planning import Plan


def planned(holder: Holder, now: dict[str, str], then: dict[str, bytes], *, uses: tuple[Use, ...] = ()) -> Plan:
    stored = Stored(metadata=Metadata(name="it", resource_version="7"), data=dict(now))
    return plan_of(
        ConfigChange(holder=holder, name="it", values=then, revision="7"), stored, namespace="a b", uses=uses
    )


def test_a_line_is_quoted_for_a_shell_and_does_what_the_plan_says() -> None:
    plan = planned("configmaps", {"A": "1", "B": "2"}, {"A": b"it's $(here)"})
    words = shlex.split(plan.command)
    assert words[:6] == ["kubectl", "-n", "a b", "patch", "configmap", "it"]
    assert words[-1] == '{"data": {"B": null, "A": "it\'s $(here)"}}'
    long = planned("configmaps", {"A": "1"}, {"A": b"x" * 5_000})
    assert long.command.endswith("--patch-file=FILE")
    turning = planned("configmaps", {"A": "1"}, {"A": "\u202eabc".encode()})
    assert turning.command.endswith("--patch-file=FILE")


def test_who_goes_on_with_the_old_value_is_told_and_who_loses_a_key() -> None:
    uses = (
        Use(workload="deployment.web", key="A", how="env A of web"),
        Use(workload="deployment.api", key="B", how="env B of api"),
        Use(workload="deployment.live", key="A", how="file at /a of live", live=True),
        Use(workload="cronjob.nightly", key="A", how="env A of run"),
    )
    plan = planned("configmaps", {"A": "1", "B": "2"}, {"A": b"2"}, uses=uses)
    assert len(plan.warnings) == 1
    assert plan.warnings[0].startswith("deployment web reads it as env A of web")
    assert plan.hits == ("deployment api uses B, which goes: env B of api",)


def test_nothing_to_change_is_said() -> None:
    assert planned("configmaps", {"A": "1"}, {"A": b"1"}).unchanged
    assert not planned("configmaps", {"A": "1"}, {}).unchanged


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (b"a\nb\nc\n", b"a\nB\nc\n", ["@@ -1,4 +1,4 @@", "-b", "+B"]),
        (None, b"a\nb", ["+a", "+b"]),
        (b"a\nb", None, ["-a", "-b"]),
        (b"\xff", b"a", ["not text"]),
        (b"x\n" * 50_000 + b"old\n" + b"y\n" * 50_000, b"x\n" * 50_000 + b"new\n" + b"y\n" * 50_000, ["@@ -49998,7"]),
        (b"".join(b"%d\n" % n for n in range(5_000)), b"".join(b"%d\n" % -n for n in range(5_000)), ["lines become"]),
    ],
)
def test_diffs_are_short_and_numbered_as_the_text_is(before: bytes, after: bytes, expected: list[str]) -> None:
    text = diff_of("k", before, after)
    for words in expected:
        assert words in text
    assert len(text) < 1_000


def test_a_plan_of_a_secret_says_the_same_of_a_right_guess_and_of_a_wrong_one() -> None:
    def told(guess: bytes) -> Plan:
        stored = Stored(metadata=Metadata(name="it", resource_version="7"), data={"A": "cmlnaHQ=", "B": "Mg=="})
        change = ConfigChange(
            holder="secrets", name="it", values={"A": guess, "B": b"2"}, revision="7", given=frozenset({"A"})
        )
        return plan_of(change, stored, namespace="shop", uses=(Use(workload="deployment.web", key="A", how="env A"),))

    right, wrong = told(b"right"), told(b"wrong")
    assert right == wrong
    assert [each.what for each in right.differences] == ["key A"]
    assert not right.unchanged
    assert right.command.endswith("""-p '{"data": {"A": "BASE64"}}'""")
