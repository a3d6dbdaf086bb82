"""Distributions of times: HdrHistograms, which can be merged, as percentiles cannot.

Recording costs 0.6 µs a value, so what is measured is kept in arrays and folded afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from agno_cli._errors import ConfigurationError

_PER_SECOND = 1e9
_PER_MILLISECOND = 1e6
_MOST = 3_600 * 10**9  # an hour, in ns
_DIGITS = 3


class Histogram:
    """Times in seconds, from 1 ns to an hour, to three digits; what is beyond is put there.

    >>> histogram = Histogram([0.001, 0.002, 0.1])
    >>> histogram.count, histogram.max
    (3, 0.1)
    """

    def __init__(self, seconds: Iterable[float] = ()) -> None:
        from hdrh.histogram import HdrHistogram

        self._counts: Any = HdrHistogram(1, _MOST, _DIGITS)
        self._sum = 0.0
        self._max = 0.0
        self._min = math.inf
        self.record(seconds)

    def record(self, seconds: Iterable[float]) -> None:
        """Add times."""
        record = self._counts.record_value
        # The clock has no more than nanoseconds: what is less is of the subtraction.
        values = [round(min(max(value, 0.0), _MOST / _PER_SECOND), 9) for value in seconds]
        for value in values:
            record(max(1, round(value * _PER_SECOND)))
        if values:
            self._sum += math.fsum(values)
            self._max, self._min = max(self._max, *values), min(self._min, *values)

    def add(self, other: Histogram) -> None:
        """Merge another one into this."""
        self._counts.add(other._counts)
        self._sum += other._sum
        self._max, self._min = max(self._max, other._max), min(self._min, other._min)

    @property
    def count(self) -> int:
        """How many times it holds."""
        return int(self._counts.get_total_count())

    @property
    def max(self) -> float:
        """The greatest time, exactly; 0 without any."""
        return self._max

    @property
    def min(self) -> float:
        """The least time, exactly; 0 without any."""
        return self._min if self.count else 0.0

    @property
    def mean(self) -> float:
        """The mean time, exactly; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    def percentile(self, percent: float) -> float:
        """Give the time that `percent` of all do not exceed; 0 without any."""
        return self.percentiles([percent])[0]

    def percentiles(self, percents: Iterable[float]) -> list[float]:
        """Give the times of several percentiles, in their order."""
        wanted = list(percents)
        if not self.count:
            return [0.0] * len(wanted)
        found = self._counts.get_percentile_to_value_dict(wanted)
        # The upper end of a bucket lies above the greatest value in it.
        return [min(found[percent] / _PER_SECOND, self._max) for percent in wanted]

    def share_above(self, seconds: float) -> float:
        """Give the share of the times that exceed one."""
        if not self.count:
            return 0.0
        limit = max(1, round(seconds * _PER_SECOND))
        return sum(count for value, count in self._recorded() if value > limit) / self.count

    def bins(self, edges: Iterable[float]) -> list[int]:
        """Count the times in bins: up to the first edge, then up to each of the next ones.

        What exceeds the last edge is in the last bin, one more than there are edges.
        """
        limits = [edge * _PER_SECOND for edge in edges]
        counts = [0] * (len(limits) + 1)
        at = 0
        for value, count in self._recorded():
            while at < len(limits) and value > limits[at]:
                at += 1
            counts[at] += count
        return counts

    def hgrm(self) -> str:
        """Write the percentile spectrum in milliseconds, as HdrHistogram's plotter reads it."""
        import io

        out = io.BytesIO()
        self._counts.output_percentile_distribution(out, _PER_MILLISECOND)
        text = out.getvalue().decode()
        # hdrh 0.10.8 forgets to scale this one figure.
        deviation = self._counts.get_stddev()
        wrong, right = f"{deviation:12.3f}", f"{deviation / _PER_MILLISECOND:12.3f}"
        return text.replace(f"StdDeviation   = {wrong}", f"StdDeviation   = {right}")

    def encode(self) -> str:
        """Write it in HdrHistogram's own compressed form (V2, base64), with the exact ends."""
        blob = self._counts.encode().decode()
        return f"{self._sum!r},{self.min!r},{self._max!r},{blob}"

    @classmethod
    def decode(cls, text: str) -> Histogram:
        """Read what `encode` wrote.

        Raises:
            ConfigurationError: it did not.
        """
        made = cls()
        try:
            total, least, most, blob = text.split(",")
            made._counts.decode_and_add(blob.encode())
            made._sum, made._min, made._max = float(total), float(least), float(most)
        except Exception as error:  # the codec raises errors of five libraries
            raise ConfigurationError(f"a histogram is damaged: {error}") from error
        return made

    def _recorded(self) -> Iterator[tuple[int, int]]:
        """Yield the least value of each bucket that is not empty, in ns, and its count."""
        for item in self._counts.get_recorded_iterator():
            least = self._counts.get_lowest_equivalent_value(item.value_iterated_to)
            yield least, item.count_added_in_this_iter_step


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """Put histograms together in a new one."""
    whole = Histogram()
    for histogram in histograms:
        whole.add(histogram)
    return whole
