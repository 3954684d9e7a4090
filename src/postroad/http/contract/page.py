"""The OpenAPI file as one page for people, without scripts and without anything from outside."""

import json
from html import escape

from postroad.http.contract.endpoint import Raw
from postroad.http.contract.openapi import Json

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1b1b1b;background:#fff}
h2{font-size:1.1rem;margin:2rem 0 .2rem;font-family:ui-monospace,monospace}
h2 b{display:inline-block;min-width:4.5rem;color:#0b57d0}
p{margin:.2rem 0}
pre{background:#f3f3f3;padding:.8rem;overflow:auto;font-size:.85rem}
summary{cursor:pointer;color:#555}
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}
pre{background:#222}h2 b{color:#8ab4f8}summary{color:#aaa}}
"""
# Security: the page shows nothing but itself.
_FIELDS = (
    ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    ("x-content-type-options", "nosniff"),
)


def docs_page(document: Json) -> Raw:
    """The page of an OpenAPI document."""
    title = escape(document["info"]["title"])
    pieces = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>",
        "<meta name=viewport content='width=device-width'>",
        f"<style>{_STYLE}</style><h1>{title}</h1>",
        f"<p>{escape(document['info']['description'])}</p>",
        "<p>For machines: <a href='/openapi.json'>/openapi.json</a></p>",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            pieces += _operation(path, method, operation)
    pieces += ["<h1>Schemas</h1>"]
    for name, schema in document["components"]["schemas"].items():
        pieces += [f"<h2 id='{escape(name)}'>{escape(name)}</h2>", _json(schema)]
    return Raw("text/html; charset=utf-8", "".join(pieces).encode("utf-8"), headers=_FIELDS)


def _operation(path: str, method: str, operation: Json) -> list[str]:
    pieces = [
        f"<h2><b>{escape(method.upper())}</b> {escape(path)}</h2>",
        f"<p>{escape(operation['summary'])} {escape(operation['description'])}</p>",
    ]
    details = {
        "Parameters": operation["parameters"],
        "Request": operation.get("requestBody"),
        "Response": operation["responses"],
    }
    for name, value in details.items():
        if value:
            pieces.append(f"<details><summary>{name}</summary>{_json(value)}</details>")
    return pieces


def _json(value: object) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
