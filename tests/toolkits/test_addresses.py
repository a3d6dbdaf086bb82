"""Which addresses may be reached."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli.toolkits._addresses import refusal

PUBLIC = [
    "93.184.215.14",
    "8.8.8.8",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "64:ff9b::808:808",
    "2002:808:808::1",
    "::ffff:8.8.8.8",
]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.2.3",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
    "ff02::1",
    "4000::1",
]
METADATA = [
    "169.254.169.254",
    "169.254.1.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "fe80::1",
    "fe80::1%eth0",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd20:ce::254",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_reached(address):
    assert refusal(address, allow_private=False) == ""
    assert refusal(address, allow_private=True) == ""


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_reached_only_when_allowed(address):
    assert refusal(address, allow_private=False) == "is not a public address"
    assert refusal(address, allow_private=True) == ""


@pytest.mark.parametrize("address", METADATA)
def test_metadata_services_are_never_reached(address):
    expected = "is link-local or serves the credentials of a cloud machine"
    assert refusal(address, allow_private=False) == expected
    assert refusal(address, allow_private=True) == expected


@pytest.mark.parametrize("text", ["", "localhost", "2130706433", "127.1", "1.2.3.4.5"])
def test_what_is_no_address_is_refused(text):
    assert refusal(text, allow_private=True) == "is not an address"


@given(st.ip_addresses(network="10.0.0.0/8") | st.ip_addresses(network="127.0.0.0/8"))
def test_a_private_address_is_private_in_every_ipv6_dress(address):
    number = int(address)
    high, low = number >> 16, number & 0xFFFF
    dresses = [f"::ffff:{address}", f"64:ff9b::{address}", f"2002:{high:x}:{low:x}::1"]

    assert [refusal(text, allow_private=False) for text in dresses] == [
        "is not a public address"
    ] * 3
