"""Who waits after failed logins, and who does not."""

from postroad.base.moments import Moment
from postroad.base.secret import Secret
from postroad.core.auth.throttle import FAILED, SUCCEEDED, Tell, Throttle, ThrottleSettings
from stores.making import NOW

ALICE, HOME = "alice@example.test", "192.0.2.1"


def _try(throttle: Throttle, count: int, account: str = ALICE, peer: str = HOME) -> int:
    """How many of the failed logins were taken."""
    taken = 0
    for n in range(count):
        if not throttle.wait_seconds(account, peer, NOW):
            throttle.failed(account, peer, Secret(f"{account} {peer} {n}"), NOW)
            taken += 1
    return taken


def test_many_passwords_for_one_account() -> None:
    throttle = Throttle(ThrottleSettings())
    assert _try(throttle, 50) == 10
    assert _try(throttle, 1, peer="198.51.100.1") == 0
    assert _try(throttle, 1, account="bob@example.test") == 1
    assert 0 < throttle.wait_seconds(ALICE, HOME, NOW) <= 600
    assert throttle.wait_seconds(ALICE, HOME, Moment(NOW + 601 * 10**6)) == 0


def test_the_same_wrong_password_counts_once() -> None:
    throttle = Throttle(ThrottleSettings())
    for _ in range(100):
        throttle.failed(ALICE, HOME, Secret("old"), NOW)
    assert throttle.wait_seconds(ALICE, HOME, NOW) == 0


def test_many_accounts_from_one_address_and_from_one_network() -> None:
    throttle = Throttle(ThrottleSettings())
    assert sum(_try(throttle, 1, account=f"user{n}@example.test") for n in range(50)) == 20
    taken = 20 + sum(_try(throttle, 20, f"user{n}@one.test", f"192.0.2.{n}") for n in range(2, 50))
    assert taken == 100


def test_others_do_not_lock_a_person_out() -> None:
    throttle = Throttle(ThrottleSettings())
    throttle.succeeded(ALICE, HOME)
    assert sum(_try(throttle, 5, peer=f"198.51.{n}.1") for n in range(10)) == 10
    assert throttle.wait_seconds(ALICE, HOME, NOW) == 0
    assert throttle.wait_seconds(ALICE, "203.0.113.1", NOW) > 0
    assert _try(throttle, 50) == 20, "at home, too, guessing has an end"


def test_memory_is_bounded() -> None:
    throttle = Throttle(ThrottleSettings(entries=10))
    for n in range(100):
        throttle.failed(f"user{n}", f"192.0.{n}.1", Secret("x"), NOW)
        throttle.succeeded(f"user{n}", HOME)
    assert len(throttle._entries) <= 10
    assert len(throttle._at_home) <= 10


def test_processes_that_tell_each_other_count_as_one() -> None:
    throttles: list[Throttle] = []

    def tell_others(teller: int) -> Tell:
        def tell(topic: str, account: str, peer: str, digest: str, at: int) -> None:
            for number, other in enumerate(throttles):
                if number == teller:
                    continue
                if topic == FAILED:
                    other.hear_failed(account, peer, digest, Moment(at))
                else:
                    assert topic == SUCCEEDED
                    other.hear_succeeded(account, peer)

        return tell

    throttles += [Throttle(ThrottleSettings(account=6), tell_others(n)) for n in range(2)]
    for attempt in range(6):
        assert not any(one.wait_seconds(ALICE, HOME, NOW) for one in throttles)
        throttles[attempt % 2].failed(ALICE, HOME, Secret(f"guess {attempt}"), NOW)
    assert all(one.wait_seconds(ALICE, HOME, NOW) for one in throttles)
    throttles[1].succeeded(ALICE, HOME)
    assert not any(one.wait_seconds(ALICE, HOME, NOW) for one in throttles)
    for throttle in throttles:  # and from another place nobody locks this one out
        _try(throttle, 10, peer="198.51.100.1")
    assert not any(one.wait_seconds(ALICE, HOME, NOW) for one in throttles)
