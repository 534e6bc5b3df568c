"""Settings of signing in: a header that anybody could send stops the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsmodal.errors import Rejected
from opsmodal.settings import load_settings

FROM = {"OPSMODAL_SIGN_IN_HEADER": "X-Remote-User", "OPSMODAL_SIGN_IN_HEADER_FROM": "10.0.0.5"}


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OPSMODAL_SIGN_IN_HEADER": "X-Remote-User"}, "needs OPSMODAL_SIGN_IN_HEADER_FROM"),
        ({"OPSMODAL_SIGN_IN_HEADER_FROM": "10.0.0.5"}, "means nothing without OPSMODAL_SIGN_IN_HEADER"),
        ({"OPSMODAL_SIGN_IN_HEADER_GROUPS": "X-Groups"}, "means nothing without OPSMODAL_SIGN_IN_HEADER"),
        ({"OPSMODAL_SIGN_IN_HEADER_CREATE": "true"}, "means nothing without OPSMODAL_SIGN_IN_HEADER"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER_FROM": "0.0.0.0/0"}, "must not be everybody"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER_FROM": "10.0.0.5,::/0"}, "must not be everybody"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER_FROM": "the proxy"}, "must hold networks or addresses"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER": "X_Remote_User"}, "must be the name of a header"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER": "X Remote"}, "must be the name of a header"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER": "Cookie"}, "must be the name of a header"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER": "x-forwarded-for"}, "must be the name of a header"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER_GROUPS": "x-remote-user"}, "must be another header"),
        ({**FROM, "OPSMODAL_SIGN_IN_HEADER_GROUPS": "Authorization"}, "must be the name of a header"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, variables: dict[str, str], words: str) -> None:
    with pytest.raises(Rejected) as refused:
        load_settings({"OPSMODAL_DATA_DIR": str(tmp_path), **variables})
    assert words in refused.value.sentence


def test_it_is_off_unless_asked_for_and_can_be_asked_for(tmp_path: Path) -> None:
    plain = load_settings({"OPSMODAL_DATA_DIR": str(tmp_path)})
    assert (plain.sign_in_header, plain.sign_in_header_from, plain.sign_in_password) == ("", (), True)
    asked = {**FROM, "OPSMODAL_SIGN_IN_HEADER_GROUPS": "X-Groups", "OPSMODAL_SIGN_IN_PASSWORD": "false"}
    settings = load_settings({"OPSMODAL_DATA_DIR": str(tmp_path), **asked})
    assert settings.sign_in_header_from == ("10.0.0.5",)
    assert not settings.sign_in_password
