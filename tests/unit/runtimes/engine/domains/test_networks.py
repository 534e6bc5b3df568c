"""Whose network a container is in: with others of its service only, or no port of it leads anywhere."""

from __future__ import annotations

from typing import Any

import msgspec

from runtimes.engine.answers import Inspected, Row
from runtimes.engine.domains.networks import nets
from runtimes.engine.pods import Membership
from runtimes.errors import Missing


def container(key: str, inside: str = "") -> Inspected:
    mode = f"container:{inside}" if inside else "bridge"
    return msgspec.convert({"Id": key, "Name": f"/{key}", "HostConfig": {"NetworkMode": mode}}, Inspected)


def row(key: str, inside: str = "") -> Row:
    told: dict[str, Any] = {"Id": key}
    if inside:
        told["HostConfig"] = {"NetworkMode": f"container:{inside}"}
    return msgspec.convert(told, Row)


def holders(own: list[Inspected], rows: list[Row], pods: dict[str, Membership] | None = None) -> dict[str, str]:
    """Give by a container's name whose network leads to it; "" for none."""
    there = {each.id: each for each in (*own, container("infra"), container("vpn"))}
    found = nets({each.own_name: each for each in own}, rows, pods or {}, there.__getitem__)
    return {name: net.holder.id if net.holder else "" for name, net in found.items()}


def test_a_container_that_is_alone_holds_its_own_network() -> None:
    assert holders([container("web")], [row("web"), row("db")]) == {"web": "web"}


def test_containers_of_one_service_may_share_a_network() -> None:
    own = [container("vpn"), container("web", "vpn")]
    assert holders(own, [row("vpn"), row("web", "vpn")]) == {"vpn": "vpn", "web": "vpn"}


def test_a_network_that_somebody_elses_container_is_in_leads_nowhere() -> None:
    rows = [row("vpn"), row("web", "vpn"), row("theirs", "vpn")]
    assert holders([container("vpn"), container("web", "vpn")], rows) == {"vpn": "", "web": ""}
    assert holders([container("web", "vpn")], rows[:2]) == {"web": ""}, "who holds it is somebody else"


def test_a_pod_is_the_services_own_when_all_its_containers_are() -> None:
    pods = {"infra": Membership("shop", infra=True), "web": Membership("shop"), "db": Membership("shop")}
    rows = [row("infra"), row("web"), row("db")]
    own = [container("web", "infra"), container("db", "infra")]
    assert holders(own, rows, pods) == {"web": "infra", "db": "infra"}
    assert holders(own[:1], rows, pods) == {"web": ""}


def test_a_network_of_which_nobody_knows_who_is_in_it_leads_nowhere() -> None:
    assert holders([container("vpn"), container("web", "vpn")], [row("vpn"), row("web")]) == {"vpn": "vpn", "web": ""}


def test_a_holder_that_went_away_meanwhile_leads_nowhere() -> None:
    def gone(_: str) -> Inspected:
        raise Missing("It is gone.")

    pods = {"infra": Membership("shop", infra=True), "web": Membership("shop")}
    found = nets({"web": container("web", "infra")}, [row("web")], pods, gone)
    assert found["web"].holder is None
