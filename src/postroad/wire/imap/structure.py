"""Find a part in the octets of a BODYSTRUCTURE, as they are kept (RFC 9051 section 7.5.2)."""

import re

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LITERAL = re.compile(rb"~?\{(\d{1,9})\+?\}\r\n")
_ATOM = re.compile(rb'[^()" {]+')
_ENCODING, _SIZE, _BODY, _LINES = 5, 6, 8, 7


def part_of(structure: bytes, path: tuple[int, ...]) -> bytes | None:
    """The structure of the part with that number, as in ``BODY[1.2]``; None without one."""
    part = structure
    container: bytes | None = structure
    for number in path:
        if container is None:
            return None
        children = _children(container)
        if children:
            if number > len(children):
                return None
            part = children[number - 1]
        elif number == 1:
            part = container
        else:
            return None
        container = _container(part)
    return part


def decoded(structure: bytes, encoding: bytes, size: int) -> bytes:
    """The structure of a single part after its transfer encoding was taken away (RFC 5524).

    Interop: its lines are not counted again; other servers tell 0, too.
    """
    items = _items(structure)
    items[_ENCODING] = b'"%b"' % encoding
    items[_SIZE] = b"%d" % size
    if items[0].strip(b'"').upper() == b"TEXT":
        items[_LINES] = b"0"
    return b"(%b)" % b" ".join(items)


def _container(part: bytes) -> bytes | None:
    """Whose parts the next number counts."""
    items = _items(part)
    if items[0].startswith(b"("):
        return part
    kind = b"/".join(item.strip(b'"').upper() for item in items[:2])
    is_message = kind in (b"MESSAGE/RFC822", b"MESSAGE/GLOBAL") and len(items) > _BODY
    return items[_BODY] if is_message else None


def _children(part: bytes) -> list[bytes]:
    """The parts of a multipart; none for anything else."""
    children = []
    for item in _items(part):
        if not item.startswith(b"("):
            break
        children.append(item)
    return children


def _items(octets: bytes) -> list[bytes]:
    """The elements of a parenthesized list."""
    items: list[bytes] = []
    place = 1
    while octets[place : place + 1] != b")":
        if octets[place : place + 1] == b" ":
            place += 1
            continue
        end = _end(octets, place)
        items.append(octets[place:end])
        place = end
    return items


def _end(octets: bytes, place: int) -> int:
    """Where the element that begins at `place` ends."""
    depth = 0
    while True:
        letter = octets[place : place + 1]
        if letter in (b"(", b")"):
            depth += 1 if letter == b"(" else -1
            place += 1
        elif letter == b" ":
            place += 1
        else:
            place = _end_of_string(octets, place)
        if depth == 0:
            return place


def _end_of_string(octets: bytes, place: int) -> int:
    if (match := _QUOTED.match(octets, place)) is not None:
        return match.end()
    if (match := _LITERAL.match(octets, place)) is not None:
        return match.end() + int(match[1])
    if (match := _ATOM.match(octets, place)) is not None:
        return match.end()
    raise ValueError("the octets are no structure of ours")
