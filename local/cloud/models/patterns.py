r"""A model's `pattern`, which is a regular expression of Java, as one of the package `regex`.

Java's `\w`, `\d`, `\s` and `\p{Print}` are ASCII's, its `\p{L}` is Unicode's, and a character beyond U+FFFF is
written as two surrogates.
https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html
"""

from __future__ import annotations

import functools
import re as plain

import regex

# The inside of a character class; `{}` around each outside of one.
ASCII = {
    r"\w": r"a-zA-Z0-9_",
    r"\d": r"0-9",
    r"\s": r" \t\n\x0B\f\r",
    r"\p{ASCII}": r"\x00-\x7F",
    r"\p{Alpha}": r"a-zA-Z",
    r"\p{Digit}": r"0-9",
    r"\p{Alnum}": r"a-zA-Z0-9",
    r"\p{Lower}": r"a-z",
    r"\p{Upper}": r"A-Z",
    r"\p{Graph}": r"\x21-\x7E",
    r"\p{Print}": r"\x20-\x7E",
}
SURROGATES = plain.compile(r"\\u[dD]800\\u[dD][cC]00-\\u[dD][bB][fF][fF]\\u[dD][fF][fF][fF]")
TOKEN = plain.compile(r"\\[pP]\{\w+\}|\\.|.", plain.DOTALL)


def translate(pattern: str) -> str:
    """A pattern of Java's as `regex` reads it: ASCII's classes written out, and `[` within a class escaped."""
    translation, inside = list[str](), False
    for token in TOKEN.findall(SURROGATES.sub(r"\\U00010000-\\U0010FFFF", pattern)):
        translated = token
        if token in ASCII:
            translated = ASCII[token] if inside else f"[{ASCII[token]}]"
        elif inside and token == "[":
            translated = r"\["
        elif token == "[" or (inside and token == "]"):
            inside = token == "["
        translation.append(translated)
    return "".join(translation)


@functools.cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """The translated pattern, compiled once."""
    return regex.compile(translate(pattern))


def satisfies(pattern: str, value: str) -> bool:
    """Whether all of `value` is what the pattern says: the services match the whole of a value."""
    return compiled(pattern).fullmatch(value) is not None
