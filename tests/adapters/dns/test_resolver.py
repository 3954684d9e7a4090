"""The resolver against a DNS server of the tests."""

import pytest

from postroad.adapters.dns.resolver import DnsResolver
from postroad.base.errors import NotFound, TryLater
from postroad.ports.resolver import MailExchanger
from support.dnsserver import DnsServer, dns_server_fixture

__all__ = ["dns_server_fixture"]


@pytest.fixture
def resolver(dns_server: DnsServer) -> DnsResolver:
    return DnsResolver((dns_server.address,))


async def test_exchangers(dns_server: DnsServer, resolver: DnsResolver) -> None:
    dns_server.add("a.test", "MX", "10 mx1.a.test.", "20 mx2.a.test.")
    assert set(await resolver.mx("a.test")) == {
        MailExchanger(10, "mx1.a.test"),
        MailExchanger(20, "mx2.a.test"),
    }


async def test_a_null_mx_has_an_empty_name(dns_server: DnsServer, resolver: DnsResolver) -> None:
    dns_server.add("null.test", "MX", "0 .")
    assert await resolver.mx("null.test") == (MailExchanger(0, ""),)


async def test_a_name_without_such_a_record_and_a_name_that_is_none(
    dns_server: DnsServer, resolver: DnsResolver
) -> None:
    dns_server.add("a.test", "A", "192.0.2.1")
    assert await resolver.mx("a.test") == ()
    with pytest.raises(NotFound):
        await resolver.mx("none.test")


async def test_addresses_of_both_kinds(dns_server: DnsServer, resolver: DnsResolver) -> None:
    dns_server.add("a.test", "A", "192.0.2.1").add("a.test", "AAAA", "2001:db8::1")
    assert await resolver.addresses("a.test") == ("2001:db8::1", "192.0.2.1")


async def test_one_kind_of_address_that_fails_does_not_hide_the_other(
    dns_server: DnsServer, resolver: DnsResolver
) -> None:
    dns_server.add("a.test", "A", "192.0.2.1").fail("a.test", "AAAA")
    assert await resolver.addresses("a.test") == ("192.0.2.1",)


async def test_a_server_that_fails_is_asked_later(
    dns_server: DnsServer, resolver: DnsResolver
) -> None:
    dns_server.fail("a.test")
    with pytest.raises(TryLater):
        await resolver.mx("a.test")
    with pytest.raises(TryLater):
        await resolver.addresses("a.test")


async def test_long_texts_are_joined(dns_server: DnsServer, resolver: DnsResolver) -> None:
    text = "v=DKIM1; p=" + "A" * 700
    dns_server.add_text("key.test", text)
    assert await resolver.txt("key.test") == (text,)
