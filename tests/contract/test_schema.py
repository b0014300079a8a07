"""Schemas: the same whatever came first, widened without breaking a reader; RDS exports' tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rds_export import ExportInfoError, exported_type, tables
from table_schema import Column, SchemaError, widen

from tests.contract.normaliser import Observation, Schema, Type, derive, schema_of

values = st.one_of(
    st.integers(-(2**70), 2**70).map(lambda n: {"N": str(n)}),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda n: {"N": str(n)}),
    st.sampled_from([{"S": "x"}, {"NULL": True}, {"SS": ["a"]}, {"NS": ["1", "0.5"]}, {"M": {}}]),
)
items = st.dictionaries(st.sampled_from(["a", "A", "b", "b-c", "b_c"]), values, max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(items, max_size=3), max_size=4), st.data())
def test_the_schema_does_not_depend_on_the_order_of_the_files(files, data):
    def merged(files):
        observed = Observation()
        for file in files:
            observed = observed.merged(Observation.of_items(file))
        return observed

    one, other = merged(files), merged(data.draw(st.permutations(files)))
    assert derive(one).json() == derive(other).json()
    assert Observation.of(one.json()) == one
    assert Schema.of(derive(one).json()) == derive(one)


def widened(published: str, *seen):
    schema = Schema((Column("x", "x", Type.of(published)),))
    after, conflicts = widen(schema, Observation.of_items([{"x": value} for value in seen]))
    return after.columns[0].type.glue(), bool(conflicts)


@pytest.mark.parametrize(
    "published, seen, after",
    [
        ("bigint", {"N": "5"}, ("bigint", False)),
        ("bigint", {"N": "0.25"}, ("decimal(38,2)", False)),
        ("bigint", {"N": "9223372036854775808"}, ("decimal(38,0)", False)),
        ("decimal(38,2)", {"N": "0.125"}, ("decimal(38,3)", False)),
        ("decimal(38,2)", {"N": "0.00000000000000000000001"}, ("decimal(38,2)", True)),
        ("decimal(38,2)", {"N": "7"}, ("decimal(38,2)", False)),
        ("bigint", {"S": "x"}, ("bigint", True)),
        ("string", {"N": "1"}, ("string", True)),
        ("string", {"NULL": True}, ("string", False)),
        ("json", {"N": "1"}, ("string", False)),
    ],
)
def test_a_published_column_is_widened_or_left_and_told(published, seen, after):
    assert widened(published, seen) == after


def test_a_new_attribute_becomes_a_column_at_the_end_and_takes_no_published_name():
    published = schema_of([{"id": {"S": "a"}, "z": {"N": "1"}}], keys=["id"])
    after, conflicts = widen(published, Observation.of_items([{"ID": {"S": "x"}, "new": {"BOOL": True}}]))
    assert after.columns[:2] == published.columns and not conflicts
    assert [c.attribute for c in after.columns[2:]] == ["ID", "new"]
    assert len({c.name for c in after.columns}) == 4


def declaring(published, declared, seen):
    schema = Schema((Column("x", "x", Type.of(published)),))
    observed = Observation.of_items([{"x": seen}])
    return widen(schema, observed, {"x": Type.of(declared)})[0].columns[0].type.json()


@pytest.mark.parametrize(
    "published, declared, seen",
    [
        ("bigint", "decimal(38,2)", {"N": "5"}),
        ("decimal(38,0)", "decimal(38,4)", {"N": "5"}),
        ("decimal(10,2)", "decimal(12,3)", {"N": "5"}),
        ({"set": "bigint"}, {"set": "decimal(38,2)"}, {"NS": ["5"]}),
        ("string", "string", {"N": "1"}),
        ({"struct": {"city": "string"}}, {"struct": {"city": "string"}}, {"M": {}}),
    ],
)
def test_a_published_column_becomes_what_is_declared_of_it(published, declared, seen):
    assert declaring(published, declared, seen) == Type.of(declared).json()


@pytest.mark.parametrize(
    "published, declared, seen, after",
    [
        ("bigint", "bigint", {"N": "0.25"}, "decimal(38,2)"),
        ("bigint", "decimal(38,2)", {"N": "0.125"}, "decimal(38,3)"),
        ("decimal(38,3)", "decimal(38,2)", {"N": "1"}, "decimal(38,3)"),
        ("decimal(38,2)", "bigint", {"N": "1"}, "decimal(38,2)"),
    ],
)
def test_what_the_data_has_widened_is_wider_than_declared(published, declared, seen, after):
    assert declaring(published, declared, seen) == after


@pytest.mark.parametrize(
    "published, declared",
    [
        ("decimal(10,2)", "decimal(10,3)"),
        ("bigint", "decimal(10,2)"),
        ("bigint", "double"),
        ("json", "string"),
        ("string", "json"),
        ({"set": "string"}, {"set": "bigint"}),
        ({"struct": {"city": "string"}}, {"struct": {"city": "string", "zip": "string"}}),
    ],
)
def test_a_declaration_that_contradicts_a_published_column_is_told_with_both(published, declared):
    with pytest.raises(SchemaError) as told:
        declaring(published, declared, {"NULL": True})
    both = f"x is declared as {Type.of(declared).json()!r} and published as {Type.of(published).json()!r}"
    assert both in str(told.value)


def test_a_declared_attribute_that_is_new_or_unseen_becomes_a_column_of_that_type():
    published = schema_of([{"id": {"S": "a"}}], keys=["id"])
    declared = {"note": Type.of({"list": "string"}), "total": Type.of("decimal(38,2)")}
    after, _ = widen(published, Observation.of_items([{"total": {"N": "1"}}]), declared)
    assert [(c.name, c.type.glue()) for c in after.columns] == [
        ("id", "string"), ("note", "array<string>"), ("total", "decimal(38,2)")
    ]  # fmt: skip


def table(target="shop.customers", status="COMPLETE", **types):
    mappings = [{"columnName": n, "originalType": "x", "expectedExportedType": t} for n, t in types.items()]
    return {"target": target, "status": status, "schemaMetadata": {"originalTypeMappings": mappings}}


@pytest.mark.parametrize(
    "said, glue",
    [
        ("int64", "bigint"), ("int32", "int"), ("double", "double"), ("boolean", "boolean"),
        ("binary (UTF8)", "string"), ("binary", "binary"), ("binary (JSON)", "string"),
        ("fixed_len_byte_array(9) (DECIMAL(20,0))", "decimal(20,0)"), ("int32 (DECIMAL(9, 2))", "decimal(9,2)"),
    ],
)  # fmt: skip
def test_an_exported_type_is_glues(said, glue):
    assert exported_type(said).glue() == glue


def test_tables_of_an_rds_export_have_their_folders_and_columns():
    (mysql, postgres) = tables(
        "raw/x/",
        {
            "raw/x/export_tables_info_x_from_1_to_2.json": {
                "perTableStatus": [table(id="int64"), table("db.public.t", a="int32")]
            }
        },
    )
    assert mysql.location == "raw/x/db/public.t/" or mysql.location == "raw/x/shop/shop.customers/"
    assert {t.location for t in (mysql, postgres)} == {"raw/x/shop/shop.customers/", "raw/x/db/public.t/"}


def test_every_table_that_did_not_complete_and_every_unknown_type_is_told_at_once():
    info = {
        "perTableStatus": [
            table(status="FAILED") | {"warningMessage": "no rights"},
            table("shop.t", c="int7"),
        ]
    }
    with pytest.raises(
        ExportInfoError, match=r"(?s)shop.customers is 'FAILED': no rights.*column c: .*'int7'"
    ):
        tables("raw/x/", {"raw/x/export_tables_info_x_from_1_to_2.json": info})
    with pytest.raises(ExportInfoError, match="not complete"):
        tables("raw/x/", {})
