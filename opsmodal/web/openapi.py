"""The OpenAPI 3.1 document, made from the routes and the types of their answers: it cannot drift from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from opsmodal.web.errors import MEDIA_TYPE, ErrorBody
from opsmodal.web.routes import API, CONFIRM, Parameter, Route
from opsmodal.web.sockets import SocketRoute

REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


def document(routes: Sequence[Route], sockets: Sequence[SocketRoute], *, version: str) -> dict[str, Any]:
    """Describe the API. Sockets, which OpenAPI has no word for, are GETs that answer 101."""
    told = [route for route in routes if route.path]
    types = _types(told)
    schemas, components = msgspec.json.schema_components(types, ref_template=REF)
    by_type = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    problem = {"description": "Not done", "content": {MEDIA_TYPE: {"schema": by_type[repr(ErrorBody)]}}}
    paths: dict[str, dict[str, Any]] = {}
    for route in told:
        paths.setdefault(_openapi_path(route.path), {})[route.method.lower()] = _operation(route, by_type, problem)
    for socket in sockets:
        paths.setdefault(_openapi_path(socket.path), {})["get"] = _socket_operation(socket, problem)
    return {
        "openapi": "3.1.0",
        "info": {"title": "opsmodal", "version": version, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": API}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "opsmodal"},
            },
        },
    }


def _types(routes: Iterable[Route]) -> list[Any]:
    wanted = [ErrorBody]
    for route in routes:
        for kind in (route.answers, route.body, *(kind for _, kind in route.other_answers)):
            if kind is not None and kind not in wanted:
                wanted.append(kind)
    return wanted


def _operation(route: Route, by_type: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    content = {route.media_type: {"schema": by_type.get(repr(route.answers), {"type": "string"})}}
    content |= {each: {"schema": {"type": "string"}} for each in route.other_media_types}
    if route.media_type == "text/plain":
        lines = {"schema": by_type.get(repr(route.answers), {})}
        content = {"text/plain": {"schema": {"type": "string"}}, "application/x-ndjson": lines}
    others = {
        str(status): {"description": "Done", "content": {"application/json": {"schema": by_type[repr(kind)]}}}
        for status, kind in route.other_answers
    }
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "x-action": route.action.name,
        "parameters": [*_path_parameters(route.path), *map(_query_parameter, route.parameters)],
        "responses": {str(route.status): {"description": "Done", "content": content}, **others, "default": problem},
    }
    body = _body(route, by_type)
    if body:
        operation["requestBody"] = body
    return operation


def _body(route: Route, by_type: dict[str, Any]) -> dict[str, Any]:
    asked = next((each for each in route.parameters if each.name == CONFIRM.name), None)
    wanted = {"type": ["string", "boolean"], "description": asked.description if asked else ""}
    confirmed = {"type": "object", "properties": {CONFIRM.name: wanted}}
    if route.body is not None:
        schema = by_type.get(repr(route.body), {"type": "string"})
        if asked and route.body_media_type == "application/json":
            schema = {"allOf": [schema, confirmed]}
        return {"content": {route.body_media_type: {"schema": schema}}}
    return {"required": False, "content": {"application/json": {"schema": confirmed}}} if asked else {}


def _socket_operation(socket: SocketRoute, problem: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": f"socket_{socket.handler.__module__.rsplit('.', 1)[-1]}_{socket.handler.__name__}",
        "summary": (socket.handler.__doc__ or "").strip().splitlines()[0],
        "x-action": socket.action.name,
        "parameters": [*_path_parameters(socket.path), *map(_query_parameter, socket.parameters)],
        "responses": {"101": {"description": "A WebSocket of JSON frames"}, "default": problem},
    }


def _openapi_path(path: str) -> str:
    return _PATH_PARAMETER.sub(r"{\1}", path)


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PATH_PARAMETER.findall(path)
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "schema": parameter.schema,
    }
