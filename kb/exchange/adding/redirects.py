"""Where a server may send on to: an address of the public network, by https, or itself."""

import os
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from kb.errors import KbError

WAY_OUT = "nothing is asked there; try again later, or make a stub with --offline"
PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
Trace = Callable[[str, dict[str, Any]], None]


def refuse_private(server: str, scheme: str, host: str) -> None:
    """Raise KbError if a redirect leads off https, or to this machine or a private network by what it says."""
    if scheme != "https":
        raise KbError(f"{server} redirects to {scheme}:, off https", WAY_OUT)
    if _is_ours(host):
        raise _private(server, host)


def peers_seen(server: str) -> Trace:
    """Return what looks at each connection of httpx before a byte is sent: a name may stand for any address.

    Where a proxy is set, it is what is connected to, and looks up names itself.
    """
    is_proxied = any(os.environ.get(name) for name in PROXIES)

    def look(event: str, told: dict[str, Any]) -> None:
        if event == "connection.connect_tcp.complete" and not is_proxied:
            stream = told["return_value"]
            address = stream.get_extra_info("server_addr")[0]
            if not is_public(address):
                stream.close()
                raise _private(server, address)

    return look


def _private(server: str, address: str) -> KbError:
    return KbError(f"{server} redirects to {address}, which is no public address", WAY_OUT)


def is_public(address: str) -> bool:
    """Whether an address is one of the public network; one of IPv4 inside of IPv6 is what it stands for."""
    found: IPv4Address | IPv6Address | None = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or found
    return bool(found and found.is_global and not found.is_multicast)


def _is_ours(host: str) -> bool:
    if host.rstrip(".").lower().endswith("localhost"):
        return True
    try:
        return not is_public(host)
    except ValueError:  # a name: what it stands for is looked at when it has been connected to
        return False
