"""Figures in words: three digits and the unit that suits them."""

from __future__ import annotations

from collections.abc import Sequence

from agno_cli.bench._targets import METRICS

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_RATES = ((1e6, "M"), (1e3, "k"), (1.0, ""))
_BYTES = ((1024.0**2, "MiB"), (1024.0, "KiB"), (1.0, "B"))
_IN_FULL = 10 * 1024
_NEARLY_ONE = 0.9995
_WHOLE = 9.95  # two digits round it up to 10


def seconds(value: float) -> str:
    """Write a duration.

    >>> seconds(1.234e-6), seconds(98.76e-9)
    ('1.23 µs', '98.8 ns')
    """
    return _scaled(value, _SECONDS)


def rate(per_second: float) -> str:
    """Write operations per second.

    >>> rate(830_400)
    '830 k'
    """
    return _scaled(per_second, _RATES).rstrip()


def size(value: float) -> str:
    """Write a number of bytes, in full below 10 KiB.

    >>> size(1272), size(45_888), size(-512)
    ('1,272 B', '44.8 KiB', '-512 B')
    """
    if abs(value) < _IN_FULL:
        return f"{round(value):,} B"
    return _scaled(value, _BYTES)


def number(value: float) -> str:
    """Write a count; tenths of one are kept.

    >>> number(17.994), number(1.5), number(45_888)
    ('18', '1.5', '45,888')
    """
    return f"{value:,.1f}".removesuffix(".0")


def percent(part: float) -> str:
    """Write a share.

    >>> percent(0.034)
    '3.4 %'
    """
    return f"{100 * part:.1f} %"


def times(ratio: float) -> str:
    """Write how many times another figure something is.

    >>> times(22_512.3), times(1.33), times(0.468)
    ('22,512x', '1.3x', '0.47x')
    """
    return f"{ratio:,.0f}x" if ratio >= _WHOLE else f"{ratio:.2g}x"


def in_words(metric: str, value: float) -> str:
    """Write a figure of a metric; rates are per second, an unknown metric is a number.

    >>> in_words("bytes", 112), in_words("rate", 2e6)
    ('112 B', '2.00 M/s')
    """
    dimension = METRICS.get(metric)
    if dimension == "time":
        return seconds(value)
    if dimension == "rate":
        return f"{rate(value)}/s"
    return size(value) if dimension == "bytes" else number(value)


def with_unit(value: float, unit: str) -> str:
    """Write a figure of another tool with its own unit.

    >>> with_unit(536, "byte"), with_unit(3, "MB/s")
    ('536 B', '3 MB/s')
    """
    if unit == "second":
        return seconds(value)
    return size(value) if unit == "byte" else f"{number(value)} {unit}".rstrip()


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    """Write three digits; 999.5 is the least that three digits round up to 1,000."""
    factor, unit = next((u for u in units if abs(value) >= u[0] * _NEARLY_ONE), units[-1])
    scaled = value / factor
    if abs(scaled) >= 1000 * _NEARLY_ONE:
        return f"{scaled:,.0f} {unit}"
    return f"{scaled:#.3g}".rstrip(".") + f" {unit}"
