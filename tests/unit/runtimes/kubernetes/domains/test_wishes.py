"""What a domain may be made of: paths that a proxy would read as its own configuration are none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runtimes.domains import DomainChange
from runtimes.errors import Invalid
from runtimes.kubernetes.domains.wishes import demand_possible

WISH = DomainChange(
    host="shop.example.com", path="/", path_type="ImplementationSpecific", backend="web", port="80", kind="Ingress"
)
CODE = (
    "/x/{content_by_lua_block{ngx.say(io.open('/etc/passwd'):read('*a'))}#",
    '/x"{return/',
    "/x;",
    "/x#",
    "/x`)||Host(`other.example.com",
    "/x\\",
)


@pytest.mark.parametrize("path", CODE)
@pytest.mark.parametrize("path_type", ["Prefix", "Exact", "ImplementationSpecific"])
def test_a_path_that_a_controller_would_run_is_refused(path: str, path_type: str) -> None:
    with pytest.raises(Invalid, match="read as configuration"):
        demand_possible(replace(WISH, path=path, path_type=path_type), None)


@pytest.mark.parametrize("path", ["/", "/api/v1", r"/api(/|$)(.*)", r"/v\d+/.*\.png", "/~me/a,b", "/a'b"])
def test_paths_and_patterns_of_everyday_are_taken(path: str) -> None:
    demand_possible(replace(WISH, path=path), None)


@pytest.mark.parametrize("port", ["²", "٣", "0", "9" * 5_000])
def test_a_port_that_is_no_number_for_the_api_is_refused(port: str) -> None:
    """Where Services may not be read, nothing else looks at it before it is made a number."""
    with pytest.raises(Invalid, match="no port"):
        demand_possible(replace(WISH, port=port), None)
