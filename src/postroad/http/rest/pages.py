"""Lists in pages, newest first (`limit`, `after`, `before`)."""

import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

import msgspec

from postroad.http.contract.problems import unprocessable

T = TypeVar("T")


class PageQuery(msgspec.Struct, kw_only=True):
    """Which page of a list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if self.after is not None and self.before is not None:
            raise ValueError("`after` and `before` cannot be used together")


class Listed(msgspec.Struct, Generic[T], kw_only=True):
    """A page of a list."""

    object: str = "list"
    has_more: bool = False
    data: list[T]


def page_of(items: Sequence[T], query: PageQuery, id_of: Callable[[T], str]) -> Listed[T]:
    """The page of a list that is there as a whole, newest first."""
    chosen = list(items)
    if query.after is not None:
        chosen = chosen[_index(chosen, query.after, id_of, "after") + 1 :]
    if query.before is not None:
        chosen = chosen[: _index(chosen, query.before, id_of, "before")]
        return Listed(has_more=len(chosen) > query.limit, data=chosen[-query.limit :])
    return Listed(has_more=len(chosen) > query.limit, data=chosen[: query.limit])


def uuid_of(text: str, name: str) -> str:
    """A UUID as we write it. Raises `RequestError`, naming the parameter."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise unprocessable("invalid_parameter", f"The `{name}` must be a valid UUID.") from None


def _index(items: Sequence[T], wanted: str, id_of: Callable[[T], str], name: str) -> int:
    wanted = uuid_of(wanted, name)
    for index, item in enumerate(items):
        if id_of(item) == wanted:
            return index
    raise unprocessable("validation_error", f"The `{name}` parameter is not an id of this list.")
