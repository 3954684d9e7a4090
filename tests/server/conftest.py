"""What the tests with a running server share."""

from support.dnsserver import dns_server_fixture
from support.server import make_server, shared_server

__all__ = ["dns_server_fixture", "make_server", "shared_server"]
