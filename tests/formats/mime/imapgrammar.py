"""Reads what an IMAP client would read from ENVELOPE and BODYSTRUCTURE (RFC 9051 section 9)."""

import re

Value = bytes | int | list["Value"] | None

_TOKEN = re.compile(
    rb"(?P<open>\()|(?P<close>\))|(?P<sp> )|(?P<nil>NIL)|(?P<number>[0-9]+)"
    rb'|"(?P<quoted>(?:[^"\\\r\n\0]|\\["\\])*)"|\{(?P<literal>[0-9]+)\}\r\n'
)


def read(octets: bytes) -> list[Value]:
    """The one list that the octets are; fails on anything that the grammar does not allow."""
    stack: list[list[Value]] = [[]]
    at = 0
    while at < len(octets):
        found = _TOKEN.match(octets, at)
        assert found is not None, octets[at : at + 60]
        at = found.end()
        kind = found.lastgroup
        if kind == "open":
            stack.append([])
        elif kind == "close":
            done = stack.pop()
            assert done, "an empty list"
            stack[-1].append(done)
        elif kind == "literal":
            size = int(found["literal"])
            literal = octets[at : at + size]
            assert len(literal) == size
            assert b"\0" not in literal
            stack[-1].append(literal)
            at += size
        elif kind == "quoted":
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["quoted"]))
        elif kind != "sp":
            stack[-1].append(None if kind == "nil" else int(found[0]))
    assert len(stack) == 1
    assert len(stack[0]) == 1
    value = stack[0][0]
    assert isinstance(value, list)
    return value


def is_nstring(value: Value) -> bool:
    return value is None or isinstance(value, bytes)


def check_envelope(envelope: Value) -> None:
    assert isinstance(envelope, list)
    assert len(envelope) == 10
    for index in (0, 1, 8, 9):
        assert is_nstring(envelope[index])
    for addresses in envelope[2:8]:
        if addresses is None:
            continue
        assert isinstance(addresses, list)
        for address in addresses:
            assert isinstance(address, list)
            assert len(address) == 4
            assert all(map(is_nstring, address))


def check_parameters(value: Value) -> None:
    if value is None:
        return
    assert isinstance(value, list)
    assert len(value) % 2 == 0
    assert all(isinstance(item, bytes) for item in value)


def _check_extension(value: list[Value]) -> None:
    """Disposition, language, location: all three are always sent."""
    assert len(value) == 3
    disposition, language, location = value
    if disposition is not None:
        assert isinstance(disposition, list)
        assert len(disposition) == 2
        assert isinstance(disposition[0], bytes)
        check_parameters(disposition[1])
    assert is_nstring(language) or isinstance(language, list)
    assert is_nstring(location)


def check_body(body: Value, *, extensible: bool) -> None:
    assert isinstance(body, list)
    if isinstance(body[0], list):
        count = next(n for n, item in enumerate(body) if not isinstance(item, list))
        for child in body[:count]:
            check_body(child, extensible=extensible)
        assert isinstance(body[count], bytes)
        rest = body[count + 1 :]
        if extensible:
            check_parameters(rest[0])
            _check_extension(rest[1:])
        else:
            assert not rest
        return
    media_type, subtype, parameters, content_id, description, encoding, size, *rest = body
    assert isinstance(media_type, bytes)
    assert isinstance(subtype, bytes)
    check_parameters(parameters)
    assert is_nstring(content_id)
    assert is_nstring(description)
    assert isinstance(encoding, bytes)
    assert isinstance(size, int)
    if media_type == b"text":
        assert isinstance(rest.pop(0), int)
    elif media_type == b"message" and subtype in (b"rfc822", b"global"):
        check_envelope(rest.pop(0))
        check_body(rest.pop(0), extensible=extensible)
        assert isinstance(rest.pop(0), int)
    assert media_type != b"multipart"
    if extensible:
        assert is_nstring(rest[0])
        _check_extension(rest[1:])
    else:
        assert not rest
