from __future__ import annotations

from pathlib import Path

import pytest

from opsmodal.errors import Rejected
from opsmodal.settings import Settings, answering_to, load_settings


def sentences(environ: dict[str, str], folder: Path, **options: object) -> list[str]:
    with pytest.raises(Rejected) as refused:
        load_settings(environ, data_dir=str(folder), **options)
    return [problem.sentence for problem in refused.value.problems]


def test_the_defaults_are_the_documented_limits(tmp_path: Path) -> None:
    settings = load_settings({}, data_dir=str(tmp_path))
    assert (settings.log_lines, settings.log_lines_max) == (500, 10_000)
    assert (settings.body_max_bytes, settings.large_body_max_bytes) == (1_000_000, 3_000_000)
    assert (settings.session_idle_s, settings.session_life_s) == (12 * 3600, 7 * 86400)
    assert settings.sign_in_failures_per_minute == 5
    assert (settings.bind, settings.workers, settings.read_only) == ("127.0.0.1:8080", 1, False)
    assert settings.allowed_exec == ()
    assert settings.store_url == f"sqlite:///{tmp_path}/opsmodal.db"


def test_options_win_over_variables_and_variables_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("log_lines: 1\nkubectl: /a\nbind: a:1\nallowed_exec: [aws, gke]\n")
    settings = load_settings({"OPSMODAL_LOG_LINES": "2", "OPSMODAL_BIND": "b:2"}, data_dir=str(tmp_path), bind="c:3")
    assert (settings.kubectl, settings.log_lines, settings.bind) == ("/a", 2, "c:3")
    assert settings.allowed_exec == ("aws", "gke")


def test_an_option_that_is_not_given_changes_nothing(tmp_path: Path) -> None:
    settings = load_settings({"OPSMODAL_BIND": "b:2"}, data_dir=str(tmp_path), bind=None, database_url=None)
    assert settings.bind == "b:2"


def test_the_data_folder_comes_from_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings({"OPSMODAL_DATA_DIR": "~/d"}).data_dir == tmp_path / "d"
    assert load_settings({}).data_dir == tmp_path / ".local/share/opsmodal"
    assert load_settings({"OPSMODAL_DATA_DIR": "~/d"}, data_dir="/e").data_dir == Path("/e")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LOG_LINES", "many", "OPSMODAL_LOG_LINES must be a whole number from 1 to 1000000, not 'many'."),
        ("LOG_LINES", "0", "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "-5", "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "5.5", "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "", "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "٣", "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "9" * 400, "OPSMODAL_LOG_LINES must be"),
        ("LOG_LINES", "10001", "OPSMODAL_LOG_LINES must not be more than OPSMODAL_LOG_LINES_MAX."),
        ("BODY_MAX_BYTES", "1MB", "a whole number of bytes from"),
        ("READ_ONLY", "maybe", "OPSMODAL_READ_ONLY must be true or false, not 'maybe'."),
        ("TRUSTED_PROXIES", "10.0.0.0/8,nonsense", "OPSMODAL_TRUSTED_PROXIES must hold networks or addresses"),
        ("LOG_FORMAT", "xml", "OPSMODAL_LOG_FORMAT must be one of auto, json, text."),
        ("AUDIT_FORWARD", "file:/a,nonsense", "OPSMODAL_AUDIT_FORWARD must hold addresses such as file:/path"),
        ("AUDIT_FORWARD", "file:/a,file:/a", "OPSMODAL_AUDIT_FORWARD must name each target once."),
        ("METRICS_TOKEN", "short", "OPSMODAL_METRICS_TOKEN must have at least 16 characters."),
        ("SESSION_IDLE_S", "999999", "must not be longer than OPSMODAL_SESSION_LIFE_S"),
        ("WORKERS", "2", "needs PostgreSQL"),
        ("ALLOWED_HOSTS", "https://a.example", "OPSMODAL_ALLOWED_HOSTS must hold host names without scheme and port"),
        ("ALLOWED_HOSTS", "a.example:80", "OPSMODAL_ALLOWED_HOSTS must hold"),
        ("KUBECTL", "a\nb", "OPSMODAL_KUBECTL must be a text on one line"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_variable(tmp_path: Path, name: str, value: str, words: str) -> None:
    (sentence,) = sentences({f"OPSMODAL_{name}": value}, tmp_path)
    assert words in sentence


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("read_only: false\nlog_lines: x\n")
    told = sentences({"OPSMODAL_READ_ONLY": "x"}, tmp_path, workers="none")
    assert len(told) == 3
    for words in ("settings.yaml, line 2: log_lines", "OPSMODAL_READ_ONLY", "--workers"):
        assert words in " ".join(told)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log_line: 5", "settings.yaml, line 1: “log_line” is not a setting"),
        ("data_dir: /x", "“data_dir” is not a setting of this file"),
        ("a: [", "This is not YAML"),
        ("log_lines: [1]", "must be a whole number"),
        ("allowed_exec: {a: b}", "must be a list of texts"),
        ("kubectl: 5", "must be a text on one line"),
        ("read_only: true\nread_only: false", "stands twice"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "settings.yaml").write_text(text)
    assert words in sentences({}, tmp_path)[0]


def test_a_secret_is_neither_shown_nor_repeated(tmp_path: Path) -> None:
    settings = load_settings({"OPSMODAL_KEY": "PLANTED"}, data_dir=str(tmp_path))
    assert settings.key == "PLANTED"
    assert "PLANTED" not in repr(settings)
    assert "PLANTED" not in sentences({"OPSMODAL_DATABASE_URL": "postgresql://u:PLANTED\n@h/d"}, tmp_path)[0]


def test_loopback_is_answered_to_besides_what_is_set(tmp_path: Path) -> None:
    settings = load_settings({"OPSMODAL_ALLOWED_HOSTS": "Ops.Example , 10.0.0.1"}, data_dir=str(tmp_path))
    assert settings.allowed_hosts == ("ops.example", "10.0.0.1", "localhost", "127.0.0.1", "::1")
    assert answering_to(settings, "new").allowed_hosts[-1] == "new"


def test_settings_are_frozen(tmp_path: Path) -> None:
    with pytest.raises(AttributeError):
        Settings(data_dir=tmp_path).workers = 2  # type: ignore[misc]


def test_a_credential_in_an_address_of_forwarding_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(Rejected) as refused:
        load_settings({"OPSMODAL_AUDIT_FORWARD": "https://joe:planted@hooks.example/x"}, data_dir=str(tmp_path))
    assert "OPSMODAL_AUDIT_FORWARD_TOKEN" in refused.value.sentence
    assert "planted" not in refused.value.sentence
    settings = load_settings({"OPSMODAL_AUDIT_FORWARD_TOKEN": "planted"}, data_dir=str(tmp_path))
    assert "planted" not in repr(settings)
