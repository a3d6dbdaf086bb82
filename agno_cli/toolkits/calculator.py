"""A calculator: arithmetic that a model can rely on, with bounds that a model cannot pass.

The expression is parsed by precedence climbing and computed on the way; there is no `eval`.
`ast.parse` was rejected: it warns, it recurses in C, and it reads `^` as exclusive or, where
everyone who asks a calculator means a power.

Every intermediate value is bounded, so no step can cost more than microseconds: whole numbers
have at most 640 digits, which every CPython prints whatever `sys.set_int_max_str_digits` says.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import TypeAlias

from agno_cli._errors import Rejected
from agno_cli._tools import Toolkit, tool

Number: TypeAlias = int | float

_MAX_CHARACTERS = 4_000
_MAX_DEPTH = 40
_MAX_DIGITS = 640
_TOO_LARGE = 10**_MAX_DIGITS
_MAX_FACTORIAL = 320
_MAX_PLACES = 400

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<percent>%\s*[oO][fF]\b)"
    r"|(?P<sign>\*\*|//|<=|>=|==|!=|[-+*/%^()<>,])"
    r"|(?P<end>$))",
    re.ASCII,
)
_SPELLINGS = str.maketrans(
    {"×": "*", "·": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!="}  # noqa: RUF001 - as users write them
)


def calculator() -> Toolkit:
    """Make the toolkit: one tool, `calculate`.

    >>> calculator().tools[0]("15% of 80 + 2^10")
    '1036'
    """
    return Toolkit("calculator", [tool(quick=True)(calculate)])


def calculate(expression: str) -> str:
    """Compute an arithmetic expression. Use it for every calculation.

    Examples: "12.5 * (3 + 4)", "2**10", "15% of 80", "sqrt(2) * pi", "17 % 5", "7 // 2",
    "round(2/3, 2)", "3 * 4 >= 12". Operators: + - * / // % ** and comparisons. Constants: pi, e,
    tau. Functions: sqrt, cbrt, exp, log(x, base), ln, log2, log10, sin, cos, tan, asin, acos,
    atan (radians), degrees, radians, abs, round(x, places), floor, ceil, min, max, factorial,
    gcd, lcm.

    Args:
        expression: the expression, without units, variables, thousands separators or "=".
    """
    value = evaluate(expression)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    # 15 digits: what a double holds for certain, and 0.1 + 0.2 is 0.3. Adding 0.0 unsigns zero.
    return format(value + 0.0, ".15g")


def evaluate(expression: str) -> Number:
    """Compute an expression with Python's meaning of its operators; a comparison gives a bool.

    Raises:
        Rejected: it cannot be read or computed, or is larger than the bounds; says why.
    """
    if len(expression) > _MAX_CHARACTERS:
        raise Rejected(
            f"the expression has {len(expression)} characters, at most {_MAX_CHARACTERS} can be"
            " read; compute it in parts"
        )
    return _Parser(expression.translate(_SPELLINGS)).whole()


class _Parser:
    """Reads tokens from left to right; `kind` and `text` are the one not yet used."""

    __slots__ = ("_depth", "_position", "_source", "kind", "text")

    def __init__(self, source: str) -> None:
        self._source = source.rstrip()
        self._position = 0
        self._depth = 0
        self.kind = self.text = ""
        self._advance()

    def whole(self) -> Number:
        """Compute `sum` or `sum < sum < ...`, up to the end."""
        left = self._operation(0)
        if self.text not in _COMPARISONS:
            self._expect("")
            return left
        holds = True
        while compare := _COMPARISONS.get(self.text):
            self._advance()
            right = self._operation(0)
            holds, left = holds and compare(left, right), right
        self._expect("")
        return holds

    def _operation(self, least: int) -> Number:
        """Compute operands joined by operators that bind at least as tightly as `least`."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Rejected(
                f"the expression is nested more than {_MAX_DEPTH} deep; compute it in parts"
            )
        left = self._operand()
        while (binding := _BINDINGS.get(self.text, -1)) >= least:
            sign = self.text
            self._advance()
            # A power groups from the right: 2**3**2 is 2**9.
            right = self._operation(binding + (binding != _POWER))
            left = _compute(_OPERATIONS[sign], sign, left, right)
        self._depth -= 1
        return left

    def _operand(self) -> Number:
        kind, text = self.kind, self.text
        self._advance()
        if kind == "number":
            return _number(text)
        if kind == "name":
            return self._named(text)
        if text in {"-", "+"}:
            # A sign binds less than a power: -2**2 is -4.
            value = self._operation(_SIGN)
            return -value if text == "-" else value
        if text == "(":
            value = self._operation(0)
            self._expect(")")
            return value
        raise Rejected(f"a number is missing before {_shown(text)}")

    def _named(self, name: str) -> Number:
        known = _FUNCTIONS if self.text == "(" else _CONSTANTS
        if name not in known:
            raise Rejected(f"`{name}` is not known here; {_HELP}")
        if known is _CONSTANTS:
            return _CONSTANTS[name]
        self._advance()
        arguments: list[Number] = []
        while self.text != ")":
            arguments.append(self._operation(0))
            if self.text != ",":
                break
            self._advance()
        self._expect(")")
        return _compute(_FUNCTIONS[name], name, *arguments)

    def _advance(self) -> None:
        match = _TOKEN.match(self._source, self._position)
        if match is None:
            rest = self._source[self._position :].lstrip()
            raise Rejected(f"the character {rest[:1]!a} has no meaning here; {_HELP}")
        self._position = match.end()
        self.kind = match.lastgroup or ""
        self.text = "% of" if self.kind == "percent" else match[self.kind].lower()

    def _expect(self, text: str) -> None:
        if self.text != text:
            wanted = f"`{text}`" if text else "an operator or the end"
            raise Rejected(f"{wanted} was expected, not {_shown(self.text)}; {_HELP}")
        if text:
            self._advance()


def _number(text: str) -> Number:
    digits = text.replace("_", "")
    if not digits.isdecimal():
        return _compute(float, text, digits)
    if len(digits) > _MAX_DIGITS:
        raise Rejected(f"a number has {len(digits)} digits, at most {_MAX_DIGITS} can be computed")
    if digits[0] == "0" and len(digits) > 1:
        raise Rejected(f"`{text}` begins with a zero; write numbers without thousands separators")
    return int(digits)


def _compute(function: Callable[..., complex], name: str, *operands: Number | str) -> Number:
    try:
        return _bounded(function(*operands))
    except ZeroDivisionError:
        raise Rejected(f"division by zero in `{name}`") from None
    except OverflowError:
        raise Rejected(f"the result of `{name}` is too large; {_BOUNDS}") from None
    except (TypeError, ValueError) as error:
        raise Rejected(f"`{name}` cannot be computed: {error}") from None


def _bounded(value: complex) -> Number:
    if isinstance(value, int):
        if abs(value) >= _TOO_LARGE:
            raise OverflowError
        return value
    if not isinstance(value, float):
        raise ValueError("a root of a negative number is not real")  # noqa: TRY004 - it is one
    if not math.isfinite(value):
        raise OverflowError
    return value


def _power(base: Number, exponent: Number) -> complex:
    # Known to be too large before it is computed: 9**9**9 has 370 million digits.
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        least_bits = (base.bit_length() - 1) * exponent
        if least_bits > _TOO_LARGE.bit_length():
            raise OverflowError
    result: complex = base**exponent
    return result


def _percent_of(share: Number, whole: Number) -> Number:
    return share * whole / 100


def _whole(value: Number) -> int:
    if value != int(value):
        raise ValueError(f"{value:g} is not a whole number")
    return int(value)


def _round(value: Number, places: Number | None = None) -> Number:
    if places is None:
        return round(value)
    if abs(places) > _MAX_PLACES:
        raise OverflowError  # rounding a whole number would raise 10 to that power
    return round(value, _whole(places))


def _factorial(value: Number) -> int:
    if value > _MAX_FACTORIAL:
        raise OverflowError
    return math.factorial(_whole(value))


def _lcm(*values: Number) -> Number:
    # One by one: of 250 numbers of 640 digits together it takes a second.
    result: Number = 1
    for value in values:
        result = _bounded(math.lcm(_whole(result), _whole(value)))
    return result


def _shown(text: str) -> str:
    return f"`{text}`" if text else "the end"


_SUM, _PRODUCT, _PERCENT, _SIGN, _POWER = range(5)
_BINDINGS = {
    "+": _SUM, "-": _SUM,
    "*": _PRODUCT, "/": _PRODUCT, "//": _PRODUCT, "%": _PRODUCT,
    "% of": _PERCENT,
    "**": _POWER, "^": _POWER,
}  # fmt: skip
_OPERATIONS: dict[str, Callable[..., complex]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "% of": _percent_of,
    "**": _power,
    "^": _power,
}
_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "acos": math.acos,
    "asin": math.asin,
    "atan": math.atan,
    "cbrt": math.cbrt,
    "ceil": math.ceil,
    "cos": math.cos,
    "degrees": math.degrees,
    "exp": math.exp,
    "factorial": _factorial,
    "floor": math.floor,
    "gcd": lambda *values: math.gcd(*map(_whole, values)),
    "lcm": _lcm,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": lambda *values: max(values),
    "min": lambda *values: min(values),
    "radians": math.radians,
    "round": _round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}
_BOUNDS = f"whole numbers may have {_MAX_DIGITS} digits, others go to 1.8e308"
_HELP = (
    "write an expression such as `12.5 * (3 + 4)` with numbers, + - * / // % ** ( ), the"
    f" constants {', '.join(_CONSTANTS)} and the functions {', '.join(_FUNCTIONS)}"
)
