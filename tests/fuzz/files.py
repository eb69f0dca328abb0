"""Files that are nearly right: a line of a good one gone, doubled, or with another value."""

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from inputs import NASTY, raw

VALUES = [
    *("3", "-1", "1.5", "nan", "1e999", "true", "null", "~", '""', "' '", "'x'", '"x"', "9" * 5000),
    *("[]", "[1]", "[[1]]", '["x"]', '["x", "x"]', "{}", "{ a = 1 }", '{"a": 1}', "{en: x, pt: y}"),
    *('{ en = "x", pt = "y" }', "{ en = 3, pt = 4 }", "2026-01-02", "2026-02-30", "0001-01-01"),
    *(
        "2026-01-02T00:00:00Z",
        "9999-12-31",
        "12:00",
        '"\\u0000"',
        '"\\u001b"',
        '"\\ud800"',
        "&a [*a]",
    ),
    *(
        *("[" * 3000, "*x"),
        "!!python/object/apply:os.getpid []",
        "!!binary x",
        "!!set {x}",
        "|\n  x",
        "? x",
        "- x",
    ),
    *('"https://partner.example/x"', '"http://["', '"P9999999999Y"', '"P1M1W"', '"*"', '"x y"'),
]


@st.composite
def spoilt(draw: DrawFn, good: str) -> bytes:
    lines = good.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        how = draw(
            st.sampled_from(["value", "value", "value", "gone", "twice", "put in", "swapped"])
        )
        if how == "value":
            lines[at] = _with_value(lines[at], draw(st.sampled_from([*VALUES, *NASTY])))
        elif how == "put in":
            place = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:place] + draw(st.sampled_from(NASTY)) + lines[at][place:]
        elif how == "swapped":
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at : at + 1] = [lines[at]] * (2 if how == "twice" else 0)
        lines = lines or [""]
    text = raw("\n".join(lines))
    return text[: draw(st.integers(0, len(text)))] if draw(st.integers(0, 19)) == 0 else text


def _with_value(line: str, value: str) -> str:
    """Write the value behind the key of a line of TOML, YAML or JSON."""
    for between in (" = ", ": "):
        key, found, old = line.partition(between)
        if found:
            return key + between + value + "," * old.endswith(",")
    return value
