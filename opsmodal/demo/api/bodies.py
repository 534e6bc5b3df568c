"""What a request carries, read: JSON, YAML or protobuf."""

from __future__ import annotations

from typing import Any

from msgspec import DecodeError

from opsmodal.demo import problems
from opsmodal.demo.api import protobuf
from opsmodal.demo.api.gojson import complaint
from opsmodal.demo.api.requests import Request
from opsmodal.demo.documents import Obj, decode


def read_body(request: Request) -> Any:
    """Read the JSON or YAML of a request. Raise a 400 Problem when it is neither."""
    if not request.body:
        raise problems.bad_request("the request body is empty")
    try:
        if "yaml" in request.content_type:
            import yaml

            return yaml.safe_load(request.body)
        if protobuf.CONTENT_TYPE in request.content_type:
            return protobuf.decoded(request.body)
        return decode(request.body)
    except DecodeError:
        raise problems.bad_request(complaint(request.body) or "the object provided is unrecognized") from None
    except ValueError as error:
        raise problems.bad_request(f"the object provided is unrecognized (must be of type Object): {error}") from None


def read_object(request: Request) -> Obj:
    """Read the object of a request."""
    document = read_body(request)
    if not isinstance(document, dict):
        raise problems.bad_request("the object provided is unrecognized (must be of type Object)")
    return document
