"""What is found, what is left alone, and that no text makes the search slow."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agno_cli import ConfigurationError, Rejected
from agno_cli.guardrails import PATTERNS, Finding, find, injection_cues, redact, refuse

EVERYTHING = ("secrets", "personal", "addresses")
everything = redact("secrets", "personal", "addresses")

# Examples of the documents that the patterns name, or made up.
KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"

FOUND = {
    "private key": [
        f"-----BEGIN PRIVATE KEY-----\n{KEY}\n{KEY}==\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4\n\n{KEY}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{KEY}\n-----END PGP PRIVATE KEY BLOCK-----",
        f"-----BEGIN PRIVATE KEY-----\\n{KEY}\\n-----END PRIVATE KEY-----",  # as in JSON
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{KEY}\n{KEY}",  # cut off
    ],
    "anthropic key": ["sk-ant-api03-" + "aB3_-" * 18 + "AA"],
    "openai key": [
        "sk-proj-" + "aB3_-" * 20,
        "sk-" + "aB3" * 16,
        "sk-or-v1-" + "0123456789abcdef" * 4,
    ],
    "github token": ["ghp_" + "aB3" * 12, "ghs_" + "aB3" * 12, "github_pat_" + "aB3_" * 20],
    "aws key": [
        "AKIAIOSFODNN7EXAMPLE",
        'aws_secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        'SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    ],
    "slack token": [
        "xoxb-" + "123456789012-" * 2 + "aB3" * 8,
        "xapp-1-A0123456789-1234567890-abcdef",
        "hooks.slack.com/services/T00000000/B00000000/" + "X" * 24,
    ],
    "google key": ["AIza" + "aB3_-" * 7, "GOCSPX-" + "aB3_-" * 6, "ya29." + "aB3_-" * 6],
    "stripe key": ["sk_live_" + "aB3" * 8, "rk_test_" + "aB3" * 8, "whsec_" + "aB3+" * 8],
    "json web token": [TOKEN, TOKEN.rpartition(".")[0] + "."],
    "bearer token": [
        "Bearer abcdef1234567890xyz",
        "bearer abc.def-123_456~789==",
        f"Bearer {TOKEN}",
    ],
    "url password": ["ada:hunter2", ":redis-password"],
    "email address": [
        "ada@example.com",
        "ada.b+c%d@sub.example.co.uk",
        "jürgen@müller.example",
        "a" * 200 + "@example.com",
    ],
    "iban": [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "gb29 nwbk 6016 1331 9268 19",
        "NO93 8601 1117 947",
        "MT84MALT011000012345MTLCAST001S",
    ],
    "credit card number": [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5555-5555-5555-4444",
        "4111\u00a01111\u00a01111\u00a01111",
        "378282246310005",
        "3782 822463 10005",
        "3056 930902 5904",
        "6304000000000000",
        "4000 0000 0000 0000 006",
    ],
    "us social security number": ["123-45-6789", "123 45 6789"],
    "phone number": [
        "+49 30 901820",
        "+1 (415) 555-2671",
        "+442071838750",
        "(415) 555-2671",
        "415-555-2671",
        "1 415.555.2671",
    ],
    "ip address": ["192.168.1.1", "255.255.255.255", "2001:db8::8a2e:370:7334", "::1", "fe80::"],
}

LEFT_ALONE = [
    "The key is in the safe; ask-me-anything about sk-learn and task-proj.",
    "desk-proj-that-is-a-very-long-name-for-a-folder",
    "Bearer of good news, bearer authentication-is-described-elsewhere",
    "AKIAIOSFODNN7EXAMPLELONGER",
    "eyJ.eyJ.x",
    "https://example.com/a:b@c and http://localhost:8080/",
    "ada at example dot com, @ada, user@localhost",
    "DE89 3704 0044 0532 0130 01, XX89370400440532013000, DE89",
    "4111 1111 1111 1112, 1699999999999, 0.4111111111111111, 411111111111",
    "1111 1111 1111 1117",  # the check digit fits, no network begins with 1
    "000-12-3456, 666-12-3456, 900-12-3456, 123-00-4567, 123-45-0000, 2024-11-22",
    "1.2.3, 12:30:45, 2024-11-22T12:30:45, 1234567890, 123-4567, x+12345678901",
    "std::vector, a :: b, 256.1.1.1, 1.2.3.4.5, v1.2.3.4x, dead:beef, ::::",
]


@pytest.mark.parametrize(
    ("kind", "text"), [(k, text) for k, texts in FOUND.items() for text in texts]
)
def test_what_is_found(kind, text):
    before, after = ("https://", "@db.example/x") if kind == "url password" else ("See: ", ", ok.")
    whole = before + text + after
    found = find(whole, "secrets", "personal", "addresses")

    assert found[0].kind == kind
    assert text not in str(everything(whole))
    if kind != "url password":  # the host behind it may pass for one of an email address
        assert found == [Finding(kind, len(before), len(before) + len(text))]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_left_alone(text):
    assert find(text, "secrets", "personal", "addresses") == []
    assert everything(text) is None


def test_every_kind_has_examples_an_origin_and_known_misses():
    assert {pattern.kind for pattern in PATTERNS} == set(FOUND)
    assert all(pattern.origin and pattern.misses for pattern in PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.kind)
def test_hints_occur_wherever_the_pattern_does(pattern):
    texts = [
        f"https://{text}@x" for text in FOUND[pattern.kind] if pattern.regex.search(f"://{text}@x")
    ]

    assert texts
    assert all(not pattern.hints or any(hint in text for hint in pattern.hints) for text in texts)


def test_what_was_found_is_named_in_its_place():
    text = f"Use {FOUND['stripe key'][0]} for ada@example.com (4111 1111 1111 1111 123)."

    assert redact()(text) == (
        "Use [redacted stripe key] for [redacted email address]"
        " ([redacted credit card number] 123)."
    )
    assert redact("secrets")(text) == (
        "Use [redacted stripe key] for ada@example.com (4111 1111 1111 1111 123)."
    )
    assert redact("addresses")(text) is None


def test_findings_that_overlap_are_one():
    text = f"Authorization: Bearer {TOKEN}"

    assert find(text) == [Finding("bearer token", 15, len(text))]
    assert find("ftp://a:b@example.com") == [Finding("url password", 6, 21)]


def test_what_follows_a_false_alarm_is_found():
    assert find("1234 4111 1111 1111 1111") == [Finding("credit card number", 5, 24)]
    assert find("AB12 DE89 3704 0044 0532 0130 00") == [Finding("iban", 5, 32)]


def test_patterns_of_the_callers_own():
    check = redact("secrets", more={"badge": r"EMP-[0-9]{6}"})

    assert check("emp-123456, ada@example.com") == "[redacted badge], ada@example.com"
    assert find("x emp-123456", "secrets", more={"badge": "emp-[0-9]*"}) == [
        Finding("badge", 2, 12)
    ]


def test_an_own_pattern_that_finds_nothing_everywhere_ends():
    assert redact("secrets", more={"nothing": "x*"})("abc") is None


def test_a_text_may_be_refused_for_what_it_holds():
    check = refuse()

    assert check("Nothing.") is None
    with pytest.raises(Rejected) as caught:
        check("ada@example.com, bob@example.com, AKIAIOSFODNN7EXAMPLE")
    assert str(caught.value) == "holds what must not be passed on: email address, aws key"


def test_what_cannot_be_searched_for():
    with pytest.raises(
        ConfigurationError, match="there is no group 'people' of patterns; the groups"
    ):
        redact("people")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"`more`: '\(' is no regular expression: missing"):
        refuse(more={"badge": "("})
    with pytest.raises(ConfigurationError, match="`more`: 7 is no regular expression"):
        find("", more={"badge": 7})  # type: ignore[dict-item]


PLANTED = [text for kind, texts in FOUND.items() if kind != "url password" for text in texts]
words = st.text(st.characters(categories=["Ll", "Lo", "Zs"]), max_size=20)


@given(st.lists(st.tuples(words, st.sampled_from(PLANTED)), max_size=4), words)
def test_nothing_planted_survives(planted, end):
    text = "; ".join([f"{before}; {secret}" for before, secret in planted] + [end])

    redacted = everything(text) or text

    assert [secret for _, secret in planted if secret in redacted] == []
    assert everything(redacted) is None, "what has been redacted is left alone"


@given(st.text() | st.text("0123456789 -+.()@:/eyJsk_xAKIADE\n\\"))
def test_any_text_can_be_searched(text):
    found = find(text, "secrets", "personal", "addresses")

    assert all(0 <= finding.start < finding.end <= len(text) for finding in found)
    assert all(one.end <= other.start for one, other in pairwise(found)), "in order, apart"
    injection_cues(text)


# Each repeats what a pattern begins with, or what it would read again and again.
HOSTILE = [
    "a", "1", " ", "\n", "-", ":", ".", "(", "\\n", "é", "a@", "a.", "1 ", "1.", "1-", "+1 ",
    "+1(((",
    "4111 ", "3782 822463 ", "DE89 ", "eyJ", "eyJaaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{KEY}\n", "-----END ", "bearer ", "bearer a", "://", "://a:",
    "sk-", "sk-ant-", "ghp_", "AKIA", "secret_access_key=", "xoxb-", "AIza", "sk_live_", "fe80:",
    "123-45-", "ignore ", "ignore all ", "ignore!", "you are ", "do not ", "without tell ", "<|",
    "![", "![](http://", "\n system", "\u200b\u200b\u200ba", "reveal hidden ",
]  # fmt: skip
BEGINNINGS = ["a@a.", "bearer ", "https://", "eyJ", "ignore ", "-----BEGIN PRIVATE KEY-----\n", "+"]
CONTINUED = [begin + unit * 32_000 for begin in BEGINNINGS for unit in ("a", "1", " ", "!")]
MEGABYTES = [
    "a",
    "a@",
    "1 ",
    "4111 ",
    "DE89 ",
    "eyJ",
    "://a:",
    "ignore ",
    f"-----BEGIN PRIVATE KEY-----\n{KEY}\n",
]


def took(action: Callable[[str], object], text: str) -> float:
    """Give the seconds of this process: those of the wall say nothing on a busy machine."""
    before = process_time()
    action(text)
    return process_time() - before


@pytest.mark.parametrize("text", [*(unit * (32_000 // len(unit)) for unit in HOSTILE), *CONTINUED])
def test_no_text_makes_the_search_slow(text):
    """A search of quadratic time takes 10 s here, each of these less than 0.2."""
    assert took(everything, text) < 2
    assert took(injection_cues, text) < 2


@pytest.mark.slow
@pytest.mark.parametrize("unit", MEGABYTES)
def test_no_megabyte_makes_the_search_slow(unit):
    """A search of quadratic time takes hours here, the worst of these 5 s."""
    text = unit * (1_000_000 // len(unit))
    assert took(everything, text) < 30
    assert took(injection_cues, text) < 30
