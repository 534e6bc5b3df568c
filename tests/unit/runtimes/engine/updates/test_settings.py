"""From recorded answers to requests: what is kept, what follows the image, and that nothing lost goes unnoticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtimes.engine.updates.own import full_config, own_config
from runtimes.engine.updates.podman import as_asked, unshown
from runtimes.engine.updates.refusals import check, dependents
from runtimes.engine.updates.same import lost
from runtimes.engine.updates.spec import endpoints_of, request_of
from runtimes.errors import Conflict

HERE = Path(__file__).parent
Shown = dict[str, Any]


def read(name: str) -> Shown:
    found: Shown = json.loads((HERE / name).read_text())
    return found


@pytest.fixture
def docker() -> Shown:
    """Give what Docker 20.10 says of a container with many settings."""
    return read("docker-20.10.json")


@pytest.fixture
def image() -> Shown:
    """Give the image of that container."""
    return read("image.json")


def changed(container: Shown, path: tuple[str, ...], value: object) -> Shown:
    after = copy.deepcopy(container)
    part = after
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return after


def test_the_request_has_what_was_set_and_nothing_of_the_image(docker: Shown, image: Shown) -> None:
    body = request_of(docker, image, wanted="web:2").body
    assert body["Image"] == "web:2"
    assert body["Env"] == ["A=1"]
    assert body["Labels"] == {"x": "y"}
    assert body["Cmd"] == ["sleep", "1000"]
    assert "Hostname" not in body, "the engine gave it"
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "always", "MaximumRetryCount": 0}
    assert body["NetworkingConfig"]["EndpointsConfig"] == {
        "net1": {"IPAMConfig": {"IPv4Address": "10.99.1.7"}, "Aliases": ["www"]}
    }


def test_volumes_without_a_name_get_the_one_that_they_have(docker: Shown, image: Shown) -> None:
    body = request_of(docker, image, wanted="web:2").body
    names = {each["Destination"]: each["Name"] for each in docker["Mounts"] if each["Type"] == "volume"}
    assert f"{names['/data']}:/data" in body["HostConfig"]["Binds"]
    assert {"Type": "volume", "Target": "/anon", "Source": names["/anon"]} in body["HostConfig"]["Mounts"]
    assert body["Volumes"] == {}


@pytest.mark.parametrize("key", sorted(read("docker-20.10.json")["HostConfig"]))
def test_a_host_setting_that_is_not_taken_over_is_noticed(docker: Shown, image: Shown, key: str) -> None:
    if key in ("Binds", "Mounts", "VolumesFrom", "ContainerIDFile"):
        pytest.skip(f"{key} is compared by what it leads to")
    other = {"Links": ["/db:/web/db"]}.get(key, "other")
    assert key in lost(docker, image, changed(docker, ("HostConfig", key), other), image)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("Config", "Env"), [], "Env"),
        (("Config", "Labels"), {}, "Labels"),
        (("Config", "Cmd"), ["sh"], "Cmd"),
        (("Config", "Entrypoint"), ["sh"], "Entrypoint"),
        (("Config", "User"), "1", "User"),
        (("Config", "WorkingDir"), "/x", "WorkingDir"),
        (("Config", "Hostname"), "other", "Hostname"),
        (("Config", "StopTimeout"), 2, "StopTimeout"),
        (("Config", "Tty"), True, "Tty"),
        (("Config", "Healthcheck"), None, "Healthcheck"),
        (("Config", "StopSignal"), "SIGINT", "StopSignal"),
        (("Config", "ExposedPorts"), {}, "ExposedPorts"),
        (("Mounts",), [], "mount /data"),
        (("NetworkSettings", "Networks"), {}, "network net1"),
        (("HostConfig", "NetworkMode"), "none", "NetworkMode"),
    ],
)
def test_a_setting_that_is_not_taken_over_is_noticed(
    docker: Shown, image: Shown, path: tuple[str, ...], value: object, named: str
) -> None:
    assert lost(docker, image, docker, image) == ()
    assert named in lost(docker, image, changed(docker, path, value), image)


def test_another_volume_at_the_same_place_is_noticed(docker: Shown, image: Shown) -> None:
    after = copy.deepcopy(docker)
    for mount in after["Mounts"]:
        if mount["Destination"] in ("/data", "/anon"):
            mount["Name"] = "another"
    assert lost(docker, image, after, image) == ("mount /anon", "mount /data")


def test_a_volume_that_only_the_new_image_asks_for_is_no_loss(docker: Shown, image: Shown) -> None:
    after, wants = copy.deepcopy(docker), changed(image, ("Config", "Volumes"), {"/more": {}})
    after["Mounts"].append({"Type": "volume", "Name": "n", "Destination": "/more", "RW": True})
    assert lost(docker, image, after, wants) == ()
    assert lost(docker, image, after, image) == ("mount /more",)


names = st.sampled_from(["A", "B", "C"])
env = st.dictionaries(names, st.text("xyz=", max_size=3), max_size=3)
command = st.lists(st.sampled_from(["a", "b"]), max_size=2)
configs = st.fixed_dictionaries(
    {
        "Env": env.map(lambda found: [f"{name}={value}" for name, value in found.items()]),
        "Labels": env,
        "Cmd": command,
        "Entrypoint": command,
        "User": st.sampled_from(["", "1"]),
        "WorkingDir": st.sampled_from(["", "/a"]),
        "ExposedPorts": st.dictionaries(st.sampled_from(["1/tcp", "2/tcp"]), st.just({}), max_size=2),
        "Healthcheck": st.one_of(st.none(), st.fixed_dictionaries({"Test": command, "Retries": st.integers(0, 2)})),
    }
)


def shown_by_docker(asked: Mapping[str, Any], image: Mapping[str, Any]) -> Shown:
    """Merge as daemon/commit.go of moby does."""
    env = {each.split("=", 1)[0]: each.split("=", 1)[1] for each in image["Env"]}
    env |= dict(each.split("=", 1) for each in asked.get("Env", ()) if "=" in each)
    env = {name: value for name, value in env.items() if name not in asked.get("Env", ())}
    entrypoint, cmd = asked.get("Entrypoint") or [], asked.get("Cmd") or []
    if not entrypoint:
        cmd, entrypoint = cmd or image["Cmd"], image["Entrypoint"]
    check = {**(image["Healthcheck"] or {}), **{k: v for k, v in (asked.get("Healthcheck") or {}).items() if v}}
    return {
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": {**image["Labels"], **asked.get("Labels", {})},
        "Cmd": cmd,
        "Entrypoint": [] if entrypoint == [""] else entrypoint,
        "User": asked.get("User") or image["User"],
        "WorkingDir": asked.get("WorkingDir") or image["WorkingDir"],
        "ExposedPorts": {**image["ExposedPorts"], **asked.get("ExposedPorts", {})},
        "Healthcheck": check,
    }


@given(asked=configs, old=configs, new=configs)
def test_what_is_asked_for_again_gives_the_same_on_any_image(asked: Shown, old: Shown, new: Shown) -> None:
    shown = shown_by_docker(asked, old)
    container = {"Id": "1" * 64, "Config": shown}
    own = own_config(container, {"Config": old})
    again = shown_by_docker(own, old)
    assert {k: v or None for k, v in again.items()} | {"Env": None} == {k: v or None for k, v in shown.items()} | {
        "Env": None
    }
    assert sorted(again["Env"]) == sorted(shown["Env"])
    on_new = {"Id": "2" * 64, "Config": shown_by_docker(own, new)}
    assert lost(container, {"Config": old}, on_new, {"Config": new}) == ()
    assert full_config(own, {"Config": new})["Labels"] == on_new["Config"]["Labels"]  # type: ignore[index]


def test_podman_shows_what_it_got_and_is_asked_for_what_was_set() -> None:
    shown = read("podman-4.3.json")
    plain = as_asked(shown, ("podman", "run", "--sysctl", "net.core.somaxconn=9", "--network=n:ip=10.1.2.3", "x"))
    assert plain["Config"]["Env"] == ["PATH=/bin:/sbin:/usr/bin:/usr/sbin", "A=1"]
    assert plain["HostConfig"]["Sysctls"] == {"net.core.somaxconn": "9"}
    assert {each["Name"] for each in plain["HostConfig"]["Ulimits"]} == {"nofile", "nproc"}
    host = plain["HostConfig"]
    assert (host["NanoCpus"], host["CpuQuota"], host["CpuPeriod"]) == (500_000_000, 0, 0)
    assert endpoints_of(as_asked(shown, ("podman", "run", "--ip", "10.1.2.3")))["opsmodal"] == {
        "IPAMConfig": {"IPv4Address": "10.1.2.3"}
    }


def test_options_that_podman_does_not_tell_are_named() -> None:
    command = ("podman", "run", "--secret", "token", "--userns=keep-id", "--network", "n:ip=10.1.2.3,mac=02:00", "x")
    assert unshown(command) == ("--network …:mac", "--secret", "--userns")
    assert unshown(("podman", "run", "-d", "--name", "web", "--sysctl", "a=1", "x")) == ()


@pytest.mark.parametrize(
    ("other", "hangs"),
    [
        ({"NetworkMode": "container:web"}, True),
        ({"PidMode": f"container:{'a' * 64}"}, True),
        ({"VolumesFrom": ["web:ro"]}, True),
        ({"Links": ["/web:/other/db"]}, True),
        ({"NetworkMode": "container:another"}, False),
        ({"NetworkMode": "bridge", "Links": None}, False),
    ],
)
def test_who_hangs_on_a_container_is_found(other: Shown, hangs: bool) -> None:
    web = {"Id": "a" * 64, "Name": "/web"}
    assert dependents(web, [web, {"Id": "b" * 64, "Name": "/other", "HostConfig": other}]) == (
        ("other",) if hangs else ()
    )


def test_a_container_of_a_pod_is_refused(docker: Shown) -> None:
    with pytest.raises(Conflict, match="pod"):
        check({**docker, "Pod": "b" * 64}, others=())
