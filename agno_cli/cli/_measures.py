"""What a run cost, in lines for people and in fields for programs."""

from __future__ import annotations

from agno_cli._messages import RunOutput


def usage_line(output: RunOutput) -> str:
    """Say what tokens a run used."""
    usage = output.usage
    cached = f" ({usage.cached_tokens} cached)" if usage.cached_tokens else ""
    reasoning = f" ({usage.reasoning_tokens} reasoning)" if usage.reasoning_tokens else ""
    requests = "1 request" if usage.requests == 1 else f"{usage.requests} requests"
    return (
        f"usage: {usage.input_tokens} input tokens{cached},"
        f" {usage.output_tokens} output tokens{reasoning}, {requests}"
    )


def timing_line(output: RunOutput, first_token: float | None) -> str:
    """Say where the time went, and how fast the model wrote."""
    spent = output.timings
    rate = tokens_per_second(output)
    return (
        f"timing: total {duration(spent.total)}, model {duration(spent.model)},"
        f" tools {duration(spent.tools)}, framework {duration(spent.framework)}"
        + ("" if first_token is None else f", first token {duration(first_token)}")
        + ("" if rate is None else f", {rate:.1f} tokens/s")
    )


def timings(output: RunOutput, first_token: float | None) -> dict[str, float | None]:
    """Give the times in seconds; `first_token` counts from the start of the run."""
    spent = output.timings
    return {
        "total": spent.total,
        "model": spent.model,
        "tools": spent.tools,
        "framework": spent.framework,
        "first_token": first_token,
        "tokens_per_second": tokens_per_second(output),
    }


def tokens_per_second(output: RunOutput) -> float | None:
    """Give the output tokens for each second of the model's time, its reading included."""
    if not output.usage.output_tokens or output.model_seconds <= 0:
        return None
    return output.usage.output_tokens / output.model_seconds


def duration(seconds: float) -> str:
    """Write a time with three digits and the unit that fits it."""
    if seconds >= 999.5:  # noqa: PLR2004 - from here on three digits have an exponent
        return f"{seconds:.0f} s"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} us"
