"""Data Prepper's expressions are read as Data Prepper reads them, and what it would take without a word is found."""

from decimal import Decimal

import pytest

from components.languages import data_prepper

A, B = ("path", "a"), ("path", "b")
VALUE = ("value", Decimal(1))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("/a", A),
        ("/a == 1", ("==", A, VALUE)),
        ("/a==1", ("==", A, VALUE)),
        ("/a or /b and /a", ("and", ("or", A, B), A)),
        ("/a or (/b and /a)", ("or", A, ("and", B, A))),
        ("/a == 1 and not /b", ("and", ("==", A, VALUE), ("not", B))),
        ("not /a == 1", ("==", ("not", A), VALUE)),
        ("not (/a == 1)", ("not", ("==", A, VALUE))),
        ("/a > 1 == false", ("==", (">", A, VALUE), ("value", False))),
        ("/a + 1 * /b > -1", (">", ("+", A, ("*", VALUE, B)), ("minus", VALUE))),
        ("/a % 1 - /b / 1 == null", ("==", ("-", ("%", A, VALUE), ("/", B, VALUE)), ("value", None))),
        ('/a in {1, "path", true}', ("in", A, ("set", [Decimal(1), "path", True]))),
        ('/a not in {"not"}', ("not in", A, ("set", ["not"]))),
        ('/a =~ "x\\"y"', ("=~", A, ("value", 'x"y'))),
        ("/a typeof integer", ("typeof", A, "integer")),
        ('"/a-b/c d" == 1.5', ("==", ("path", "a-b/c d"), ("value", Decimal("1.5")))),
        ("/a.b/@c == 2E-1", None),
        ("/a.b/@c == 2.5E-1", ("==", ("path", "a.b/@c"), ("value", Decimal("0.25")))),
        ('contains(/a, "x")', ("call", "contains", A, ("value", "x"))),
        ("now() > length(/a)", (">", ("call", "now"), ("call", "length", A))),
    ],
)
def test_an_expression_is_read_as_data_prepper_reads_it(text: str, tree: data_prepper.Tree | None) -> None:
    if tree is None:
        with pytest.raises(ValueError, match="is not an expression of Data Prepper"):
            data_prepper.parse(text)
    else:
        assert data_prepper.parse(text) == tree


@pytest.mark.parametrize(
    ("text", "expected_message"),
    [
        ("", "it ends too early; write such as"),
        ("/a ==", "it ends too early; write such as"),
        ('/a === "x"', "'= \"x\"' is not understood; write such as '/status == \"open\"'"),
        ("/a = 1", "'= 1' is not understood"),
        ("/a == 'x'", "''x'' is not understood"),
        ("/a && /b", "'&& /b' is not understood"),
        ("/a\tand /b", "'and /b' is not understood"),
        ("/a and(/b)", "'and(/b)' is not understood"),
        ("not(/a)", "'not(/a)' is not understood; functions are cidrContains, contains"),
        ("size(/a) > 1", "'size(/a) > 1' is not understood; functions are"),
        (
            "status == 1",
            "'status == 1' is not understood; write '/status' for an attribute, and text in double",
        ),
        ("/a == open", "'open' is not understood; write '/open' for an attribute, and text in double quotes"),
        ("/a-b == 1", "'b == 1' is not understood; write '/b' for an attribute"),
        ("(/a == 1", "it ends too early, ')' is expected"),
        ("/a == 1)", "')' is not understood"),
        ("/a in /b", '\'/b\' is not understood, a set is expected, such as {"open", "new"}'),
        ("/a in {}", "'}' is not understood"),
        ("/a in {1 2}", "'2}' is not understood, '}' is expected"),
        ("/a in {007}", "'007}' is not understood"),
        ("/a typeof text", "'text' is not understood, a type is expected: array, big_decimal"),
        ("/a == 1x", "'1x' is not understood"),
    ],
)
def test_what_is_no_expression_is_refused_from_where_it_is_none(text: str, expected_message: str) -> None:
    with pytest.raises(ValueError, match="is not an expression of Data Prepper: ") as refused:
        data_prepper.parse(text)
    assert expected_message in str(refused.value)


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ('/a == "open" and not (/b in {1}) or /c', 0),
        ("(/a == 1) == true", 0),
        ("not /a == 1", 1),
        ('not /a in {"x"}', 1),
        ('/a > "1"', 1),
        ("/a >= null", 1),
        ('"open"', 1),
        ("/a + 1", 1),
        ("{1}", 1),
        ('/a or "b"', 1),
        ("not 1", 1),
        ("false or true", 0),
        ('not /a == 1 and /b < "2" or 3', 3),
    ],
)
def test_what_is_never_true_is_found(text: str, mistakes: int) -> None:
    assert len(list(data_prepper.mistakes(data_prepper.parse(text)))) == mistakes


def test_every_attribute_that_is_read_is_listed() -> None:
    tree = data_prepper.parse(
        '/a/b == 1 and not (length("/c d") > /e) or /f in {"path", "g"} or /h typeof map'
    )
    assert data_prepper.paths(tree) == ["a/b", "c d", "e", "f", "h"]
