r"""What secrets and personal data look like.

Every expression takes time linear in the text: it starts at a literal, or where a look-behind
forbids a start inside what another start has read, and each repetition is bounded, possessive
(`*+`), or nothing follows that could fail. A pattern with `fits` is a candidate that arithmetic
confirms.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

Group = Literal["secrets", "personal", "addresses"]


class Pattern(Struct, frozen=True, kw_only=True):
    """One kind of thing to find.

    Args:
        kind: its name, as in `[redacted KIND]`.
        group: what it is asked for by.
        regex: finds it.
        origin: where its form is described.
        misses: what it is known to overlook, or to take for one.
        hints: texts of which one must occur, looked for first: that takes a tenth of the time.
        fits: how many characters of what was found belong to it, 0 for a false alarm.
    """

    kind: str
    group: Group
    regex: re.Pattern[str]
    origin: str
    misses: str
    hints: tuple[str, ...] = ()
    fits: Callable[[str], int] | None = None


# Between groups of digits; typesetters use no-break spaces and other dashes.
_GAP = "[ .\u00a0\u2007\u2009\u202f\u2010-\u2015-]"

# ISO 13616, IBAN registry: characters by country.
_IBAN_REGISTRY = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27"
    " DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28"
    " IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22"
    " MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24"
    " SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in _IBAN_REGISTRY.split()}

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_GROUPED_16 = 19  # characters of a card number of sixteen digits in four groups
_FEWEST_DIGITS = 13
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice a digit
_NO_GAPS = str.maketrans("", "", " \u00a0-")
_LETTERS = {code: str(code - ord("A") + 10) for code in range(ord("A"), ord("Z") + 1)}


def _card(text: str) -> int:
    """Confirm a card number; three digits behind sixteen may be its security code."""
    for end in (len(text), _GROUPED_16):
        digits = [int(character) for character in text[:end] if character.isdecimal()]
        if len(digits) >= _FEWEST_DIGITS and 2 <= digits[0] <= 6 and _luhn(digits):  # noqa: PLR2004 - networks
            return min(end, len(text))
    return 0


def _luhn(digits: list[int]) -> bool:
    """Check a number by the algorithm of ISO/IEC 7812-1, annex B."""
    return (sum(digits[-1::-2]) + sum(map(_DOUBLED.__getitem__, digits[-2::-2]))) % 10 == 0


def _iban(text: str) -> int:
    """Confirm an IBAN by its country's length and, ISO 7064, the remainder of 97."""
    plain = text.translate(_NO_GAPS).upper()
    length = _IBAN_LENGTHS.get(plain[:2], 0)
    if not length or len(plain) < length:
        return 0
    number = (plain[4:length] + plain[:4]).translate(_LETTERS)
    if int(number) % 97 != 1:
        return 0
    places = [place for place, character in enumerate(text) if character.isalnum()]
    return places[length - 1] + 1


def _ipv6(text: str) -> int:
    import ipaddress

    text = text.rstrip(".:") if not text.endswith("::") else text
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return 0
    return len(text) if any(character.isalnum() for character in text) else 0


def _secret(kind: str, regex: str, *hints: str, origin: str, misses: str) -> Pattern:
    return Pattern(
        kind=kind,
        group="secrets",
        regex=re.compile(regex),
        origin=origin,
        misses=misses,
        hints=hints,
    )


_GITLEAKS = "gitleaks, config/gitleaks.toml, rule"

_SECRETS = (
    _secret(
        "private key",
        "-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
        r"(?>(?:[^-]|-(?!----))*+-----END [A-Z0-9 ]{1,80}-----"
        r"|(?:(?:\s|\\[nr])*+[A-Za-z0-9+/=]{40,}+)*+(?:\\[nr]|\s)*+)",
        "PRIVATE KEY",
        origin="RFC 7468; OpenSSH and PGP use the same lines",
        misses="a body without its first line; raw DER; PuTTY's own format",
    ),
    _secret(
        "anthropic key",
        r"sk-ant-[A-Za-z0-9_-]{20,}",
        "sk-ant-",
        origin=f"{_GITLEAKS} anthropic-api-key (sk-ant-api03-, 93 characters), looser",
        misses="keys split by white space",
    ),
    _secret(
        "openai key",
        r"(?<![A-Za-z0-9])sk-(?:(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{32,})",
        "sk-",
        origin=f"{_GITLEAKS} openai-api-key, looser; DeepSeek and OpenRouter use the prefix too",
        misses="providers whose keys have no prefix: Mistral, Cohere, Azure",
    ),
    _secret(
        "github token",
        r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}",
        "gh",
        "github_pat_",
        origin="GitHub, 'Behind GitHub's new authentication token formats' (2021)",
        misses="the 40 hexadecimal digits of tokens from before 2021",
    ),
    _secret(
        "aws key",
        r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}(?![A-Za-z0-9])"
        r"|(?i:(?:aws_?)?secret_?access_?key)[\"'\s]{0,4}[:=][\"'\s]{0,4}[A-Za-z0-9/+]{40}",
        "A3T", "AKIA", "ASIA", "ABIA", "ACCA", "ecret", "ECRET",
        origin=f"{_GITLEAKS} aws-access-token; AWS IAM, 'Unique identifiers'",
        misses="a secret access key without its name before it; session tokens",
    ),
    _secret(
        "slack token",
        r"xox[abceoprs]-[A-Za-z0-9.-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/+]{20,}",
        "xox",
        "xapp-",
        "slack.com",
        origin=f"{_GITLEAKS} slack-bot-token and its neighbours; Slack, 'Token types'",
        misses="signing secrets and verification tokens, which have no prefix",
    ),
    _secret(
        "google key",
        r"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,}",
        "AIza",
        "GOCSPX-",
        "ya29.",
        origin=f"{_GITLEAKS} gcp-api-key; Google, OAuth 2.0 client secrets and access tokens",
        misses="refresh tokens (1//...); the key of a service account is found as private key",
    ),
    _secret(
        "stripe key",
        r"[rs]k_(?:test|live|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,}",
        "k_test_",
        "k_live_",
        "k_prod_",
        "whsec_",
        origin=f"{_GITLEAKS} stripe-access-token; Stripe, 'API keys' and 'Webhooks'",
        misses="publishable keys (pk_...), which are no secret",
    ),
    _secret(
        "json web token",
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+",
        "eyJ",
        origin="RFC 7519; eyJ is base64url of an object's beginning",
        misses="encrypted ones (RFC 7516), whose second part is no object",
    ),
    _secret(
        "bearer token",
        r"(?<![A-Za-z])(?i:bearer)[ \t]{1,4}(?=[A-Za-z._~+/-]*+\d)[A-Za-z0-9._~+/-]{16,}+=*+",
        "earer",
        "EARER",
        origin="RFC 6750, section 2.1",
        misses="tokens of less than 16 characters or without a digit; basic authentication",
    ),
    _secret(
        "url password",
        r"(?<=://)[^\s/:@]{0,256}:[^\s/@]{1,256}(?=@)",
        "://",
        origin="RFC 3986, section 3.2.1",
        misses="a password with an unescaped slash; keys in a query",
    ),
)  # fmt: skip

_PERSONAL = (
    Pattern(
        kind="email address",
        group="personal",
        regex=re.compile(r"(?<![\w.%+-])[\w.%+-]++@(?:[\w-]{1,63}\.)+[^\W\d_]{2,63}"),
        origin="RFC 5322, section 3.4.1, without quoted local parts and comments",
        misses="'ada at example dot com'; quoted local parts; hosts without a dot",
        hints=("@",),
    ),
    Pattern(
        kind="iban",
        group="personal",
        regex=re.compile("(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ \u00a0-]?[A-Za-z0-9]){11,30}"),
        origin="ISO 13616 and the IBAN registry; length and remainder are checked",
        misses="account numbers of countries without IBAN; one number in 97 of the right length"
        " is none",
        fits=_iban,
    ),
    Pattern(
        kind="credit card number",
        group="personal",
        regex=re.compile(
            rf"(?<!\d)(?:\d{{4}}({_GAP})\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?"
            rf"|3\d{{3}}({_GAP})\d{{6}}\2\d{{4,5}}|(?<!\.)\d{{13,19}})(?!\d)"
        ),
        origin="ISO/IEC 7812-1; the check digit and the first digit are checked",
        misses="other groupings; one number in ten of 13 to 19 digits is none",
        fits=_card,
    ),
    Pattern(
        kind="us social security number",
        group="personal",
        regex=re.compile(
            rf"(?<![\d-])(?!000|666|9)\d{{3}}({_GAP})(?!00)\d{{2}}\1(?!0000)\d{{4}}(?![\d-])"
        ),
        origin="Social Security Administration, RM 10201.035, 'Invalid SSNs'",
        misses="nine digits without separators; taxpayer numbers, which begin with 9",
    ),
    Pattern(
        kind="phone number",
        group="personal",
        regex=re.compile(
            rf"(?<![\w+])\+[1-9](?:(?:{_GAP}|[()/]){{0,3}}\d){{6,14}}(?!\d)"
            rf"|(?<![\w.+-])(?:1{_GAP})?(?:\([2-9]\d\d\){_GAP}?|[2-9]\d\d{_GAP})"
            rf"[2-9]\d\d{_GAP}\d{{4}}(?![\w-])"
        ),
        origin="ITU-T E.164 with its plus sign; North American numbers with separators",
        misses="other countries' numbers without +; ten digits without separators; letters",
    ),
)

_ADDRESSES = (
    Pattern(
        kind="ip address",
        group="addresses",
        regex=re.compile(rf"(?<![\w.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?\w)"),
        origin="RFC 791, in the four decimal numbers of RFC 6943, section 3.1.1",
        misses="other notations, such as one number; a version of four numbers looks the same",
    ),
    Pattern(
        kind="ip address",
        group="addresses",
        regex=re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:.]{2,45}+(?!\w)"),
        origin="RFC 4291, section 2.2; the standard library's `ipaddress` confirms it",
        misses="addresses with a zone",
        hints=(":",),
        fits=_ipv6,
    ),
)

PATTERNS: tuple[Pattern, ...] = (*_SECRETS, *_PERSONAL, *_ADDRESSES)
