"""Every error of the core has its answer."""

from collections.abc import Iterator

from postroad.base.errors import MailError
from postroad.http.contract.problems import problem_of
from postroad.http.rest.errors import ERRORS


def all_errors(kind: type[MailError] = MailError) -> Iterator[type[MailError]]:
    for child in kind.__subclasses__():
        if child.__module__ == "postroad.base.errors":
            yield child
        yield from all_errors(child)


def test_every_error_has_an_entry() -> None:
    assert set(all_errors()) <= set(ERRORS)


def test_only_temporary_errors_say_when_to_try_again() -> None:
    for kind in all_errors():
        problem = problem_of(kind("why"), ERRORS)
        assert (problem.retry_after_seconds is not None) == kind.temporary
        assert (problem.status >= 500) == (kind.temporary or problem.status == 507)
