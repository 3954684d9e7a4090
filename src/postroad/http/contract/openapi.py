"""The OpenAPI 3.1 file, computed from the endpoints."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from postroad.http.contract.endpoint import Access, AnyEndpoint

S = TypeVar("S")
Json = dict[str, Any]  # Any: JSON

_PARAMETER = re.compile(r"\{([a-z_]+)\}")
_REF = "#/components/schemas/{name}"
_PROBLEM: Json = {
    "type": "object",
    "required": ["statusCode", "name", "message"],
    "properties": {
        "statusCode": {"type": "integer"},
        "name": {"type": "string"},
        "message": {"type": "string"},
    },
}


def document(
    endpoints: Sequence[AnyEndpoint[S]], *, title: str, version: str, description: str
) -> Json:
    """The whole file as JSON values."""
    types = [kind for endpoint in endpoints for kind in _types(endpoint)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    found = iter(schemas)
    paths: Json = {}
    for endpoint in endpoints:
        schema_of = {id(kind): next(found) for kind in _types(endpoint)}
        operation = _operation(endpoint, schema_of)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {**components, "Problem": _PROBLEM},
        },
    }


def _types(endpoint: AnyEndpoint[S]) -> list[Any]:  # Any: types of all kinds, for msgspec
    kinds = [endpoint.request, endpoint.response, endpoint.query]
    return [kind for kind in kinds if kind is not None]


def _operation(endpoint: AnyEndpoint[S], schema_of: dict[int, Json]) -> Json:
    operation: Json = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "description": f"For {endpoint.access.value}.",
        "parameters": _parameters(endpoint),
        "responses": {
            str(endpoint.status): _content("Done", schema_of.get(id(endpoint.response), {})),
            "default": _content("Refused", {"$ref": _REF.format(name="Problem")}),
        },
    }
    if endpoint.request is not None:
        body = _content("", schema_of[id(endpoint.request)])["content"]
        operation["requestBody"] = {"required": True, "content": body}
    if endpoint.access is Access.PUBLIC:
        operation["security"] = []
    return operation


def _parameters(endpoint: AnyEndpoint[S]) -> list[Json]:
    text: Json = {"type": "string"}
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    parameters += [
        {"name": name, "in": "header", "description": about, "schema": text}
        for name, about in endpoint.headers
    ]
    if endpoint.query is not None:
        schema = msgspec.json.schema(endpoint.query)
        fields = schema["$defs"][endpoint.query.__name__]["properties"]
        parameters += [
            {"name": name, "in": "query", "schema": field} for name, field in fields.items()
        ]
    return parameters


def _content(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
