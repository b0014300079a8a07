"""Schemas: the same whatever came first, widened without breaking a reader; RDS exports' tables."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.normaliser import Observation, Schema, derive, schema_of, type_of

# Modules of the handler's folder, which the line above puts on the path.
from rds_export import ExportInfoError, describe, exported_type  # isort: skip
from table_schema import Column, SchemaError, widen  # isort: skip

values = st.one_of(
    st.integers(-(2**70), 2**70).map(lambda n: {"N": str(n)}),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda n: {"N": str(n)}),
    st.sampled_from(
        list[dict[str, Any]]([{"S": "x"}, {"NULL": True}, {"SS": ["a"]}, {"NS": ["1", "0.5"]}, {"M": {}}])
    ),
)
items = st.dictionaries(st.sampled_from(["a", "A", "b", "b-c", "b_c"]), values, max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(items, max_size=3), max_size=4), st.data())
def test_the_schema_does_not_depend_on_the_order_of_the_files(files: Any, data: Any):
    def merged(files: Any):
        observed = Observation()
        for file in files:
            observed = observed.merged(Observation.of_items(file))
        return observed

    first, other = merged(files), merged(data.draw(st.permutations(files)))
    assert derive(first).json() == derive(other).json()
    assert Observation.of(first.json()) == first
    assert Schema.of(derive(first).json()) == derive(first)


def widened(published: str, *seen: Any):
    schema = Schema((Column("x", "x", type_of(published)),))
    after, conflicts = widen(schema, Observation.of_items([{"x": value} for value in seen]))
    return after.columns[0].type.glue(), bool(conflicts)


@pytest.mark.parametrize(
    "published, seen, after",
    [
        ("bigint", {"N": "5"}, ("bigint", False)),
        ("bigint", {"N": "0.25"}, ("bigint", True)),
        ("decimal(38,0)", {"N": "0.25"}, ("decimal(38,2)", False)),
        ("decimal(10,2)", {"N": "7"}, ("decimal(10,2)", False)),
        ("decimal(38,2)", {"N": "0.125"}, ("decimal(38,3)", False)),
        ("decimal(38,2)", {"N": "0.00000000000000000000001"}, ("decimal(38,2)", True)),
        ("decimal(38,2)", {"N": "7"}, ("decimal(38,2)", False)),
        ("bigint", {"S": "x"}, ("bigint", True)),
        ("string", {"N": "1"}, ("string", True)),
        ("string", {"NULL": True}, ("string", False)),
        ("json", {"N": "1"}, ("string", False)),
    ],
)
def test_a_published_column_is_widened_or_left_and_reported(
    published: str, seen: dict[str, Any], after: tuple[Any, ...]
):
    assert widened(published, seen) == after


@pytest.mark.parametrize(
    "published, declared, seen, after",
    [
        ("decimal(38,2)", None, {"N": "0.125"}, ("decimal(38,2)", True)),
        ("decimal(38,2)", None, {"N": "0.5"}, ("decimal(38,2)", False)),
        ("decimal(10,2)", "decimal(38,2)", {"N": "0.5"}, ("decimal(38,2)", False)),
        ({"set": "decimal(38,2)"}, None, {"NS": ["0.125"]}, ("array<decimal(38,2)>", True)),
        ("bigint", None, {"N": "0.25"}, ("bigint", True)),
    ],
)
def test_a_column_of_an_iceberg_table_changes_only_as_iceberg_promotes_it(
    published: Any, declared: Any, seen: Any, after: Any
) -> None:
    schema, declarations = (
        Schema((Column("x", "x", type_of(published)),)),
        {"x": type_of(declared)} if declared else {},
    )
    widened, conflicts = widen(schema, Observation.of_items([{"x": seen}]), declarations, promotes=True)
    assert (widened.columns[0].type.glue(), bool(conflicts)) == after


@pytest.mark.parametrize("declared", ["decimal(38,3)", "decimal(38,1)"])
def test_a_declaration_that_iceberg_does_not_promote_to_is_refused(declared: Any) -> None:
    schema = Schema((Column("x", "x", type_of("decimal(10,2)")),))
    with pytest.raises(SchemaError, match="readers would break"):
        widen(schema, Observation.of_items([{"x": {"N": "0.5"}}]), {"x": type_of(declared)}, promotes=True)


def test_a_new_attribute_becomes_a_column_at_the_end_and_takes_no_published_name():
    published = schema_of([{"id": {"S": "a"}, "z": {"N": "1"}}], keys=["id"])
    after, conflicts = widen(published, Observation.of_items([{"ID": {"S": "x"}, "new": {"BOOL": True}}]))
    assert after.columns[:2] == published.columns and not conflicts
    assert [c.attribute for c in after.columns[2:]] == ["ID", "new"]
    assert len({c.name for c in after.columns}) == 4


def declaring(published: Any, declared: Any, seen: Any):
    schema = Schema((Column("x", "x", type_of(published)),))
    observed = Observation.of_items([{"x": seen}])
    return widen(schema, observed, {"x": type_of(declared)})[0].columns[0].type.json()


@pytest.mark.parametrize(
    "published, declared, seen",
    [
        ("decimal(38,0)", "decimal(38,4)", {"N": "5"}),
        ("decimal(10,2)", "decimal(12,3)", {"N": "5"}),
        ({"set": "decimal(38,0)"}, {"set": "decimal(38,2)"}, {"NS": ["5"]}),
        ("string", "string", {"N": "1"}),
        ({"struct": {"city": "string"}}, {"struct": {"city": "string"}}, {"M": {}}),
    ],
)
def test_a_published_column_becomes_what_is_declared_of_it(
    published: dict[str, Any] | str, declared: dict[str, Any] | str, seen: dict[str, Any]
):
    assert declaring(published, declared, seen) == type_of(declared).json()


@pytest.mark.parametrize(
    "published, declared, seen, after",
    [
        ("bigint", "bigint", {"N": "0.25"}, "bigint"),
        ("decimal(38,1)", "decimal(38,2)", {"N": "0.125"}, "decimal(38,3)"),
        ("decimal(38,3)", "decimal(38,2)", {"N": "1"}, "decimal(38,3)"),
    ],
)
def test_what_the_data_has_widened_is_wider_than_declared(
    published: str, declared: str, seen: dict[str, Any], after: str
):
    assert declaring(published, declared, seen) == after


@pytest.mark.parametrize(
    "published, declared",
    [
        ("decimal(10,2)", "decimal(10,3)"),
        ("bigint", "decimal(10,2)"),
        ("bigint", "decimal(38,2)"),
        ("decimal(38,2)", "bigint"),
        ("bigint", "double"),
        ("json", "string"),
        ("string", "json"),
        ({"set": "string"}, {"set": "bigint"}),
        ({"struct": {"city": "string"}}, {"struct": {"city": "string", "zip": "string"}}),
    ],
)
def test_a_declaration_that_contradicts_a_published_column_is_reported_with_both(
    published: dict[str, Any] | str, declared: dict[str, Any] | str
):
    with pytest.raises(SchemaError) as refused:
        declaring(published, declared, {"NULL": True})
    both = f"x is declared as {type_of(declared).json()!r} and published as {type_of(published).json()!r}"
    assert both in str(refused.value)


def test_a_declared_attribute_that_is_new_or_unseen_becomes_a_column_of_that_type():
    published = schema_of([{"id": {"S": "a"}}], keys=["id"])
    declared = {"note": type_of({"list": "string"}), "total": type_of("decimal(38,2)")}
    after, _ = widen(published, Observation.of_items([{"total": {"N": "1"}}]), declared)
    assert [(c.name, c.type.glue()) for c in after.columns] == [
        ("id", "string"), ("note", "array<string>"), ("total", "decimal(38,2)")
    ]  # fmt: skip


def table(target: str = "shop.customers", status: str = "COMPLETE", **types: Any):
    mappings = [{"columnName": n, "originalType": "x", "expectedExportedType": t} for n, t in types.items()]
    return {"target": target, "status": status, "schemaMetadata": {"originalTypeMappings": mappings}}


@pytest.mark.parametrize(
    "exported, glue",
    [
        ("int64", "bigint"), ("int32", "int"), ("double", "double"), ("boolean", "boolean"),
        ("binary (UTF8)", "string"), ("binary", "binary"), ("binary (JSON)", "string"),
        ("fixed_len_byte_array(9) (DECIMAL(20,0))", "decimal(20,0)"), ("int32 (DECIMAL(9, 2))", "decimal(9,2)"),
    ],
)  # fmt: skip
def test_an_exported_type_is_glues(exported: str, glue: str):
    assert exported_type(exported).glue() == glue


INFO = "raw/x/export_tables_info_x_from_1_to_{}.json"


def described(*entries: Any, keys: tuple[Any, ...] = (), **more: Any):
    return describe("raw/x/", {INFO.format(len(entries)): {"perTableStatus": entries}}, keys, **more)


def places(export: Any):
    return {table.target: table.location.removeprefix("raw/x/") for table in export.tables}


@pytest.mark.parametrize(
    "entries, keys, folders",
    [
        ([table(id="int64")], [], {"shop.customers": "shop/shop.customers/"}),
        ([table("db.public.t", a="int32")], [], {"db.public.t": "db/public.t/"}),
        ([table("shop.order items", a="int32")], [], {"shop.order items": "shop/shop.order_items/"}),
        ([table('my db.public.a\\b`c"d', a="int32")], [], {'my db.public.a\\b`c"d': "my_db/public.a_b_c_d/"}),
        ([table("shop.v1.2", a="int32"), table("shop.t", a="int32")], [],
         {"shop.t": "shop/shop.t/", "shop.v1.2": "shop/shop.v1.2/"}),
        ([table("shop.v1.2", a="int32")], ["raw/x/shop/shop.v1.2/1/part-0.gz.parquet"],
         {"shop.v1.2": "shop/shop.v1.2/"}),
        ([table("db.public.a.b", a="int32")], ["raw/x/db/public.a.b/1/part-0.gz.parquet"],
         {"db.public.a.b": "db/public.a.b/"}),
        ([table("my.db.public.t", a="int32"), table("db.public.t", a="int32")],
         ["raw/x/my.db/public.t/1/part-0.gz.parquet", "raw/x/db/public.t/1/part-0.gz.parquet"],
         {"my.db.public.t": "my.db/public.t/", "db.public.t": "db/public.t/"}),
        ([table("my.db.t", a="int32"), table("db.t", a="int32")], ["raw/x/my.db/my.db.t/1/part-0.gz.parquet"],
         {"my.db.t": "my.db/my.db.t/", "db.t": "db/db.t/"}),
        ([table("a.b.c", a="int32"), table("a.a.b.c", a="int32")], ["raw/x/a/a.b.c/1/part-0.gz.parquet"],
         {"a.b.c": "a/b.c/", "a.a.b.c": "a/a.b.c/"}),
    ],
)  # fmt: skip
def test_a_table_of_an_rds_export_is_searched_in_the_folder_that_rds_gives_it(
    entries: list[Any], keys: list[Any], folders: dict[str, Any]
):
    assert places(described(*entries, keys=tuple(keys))) == folders


def test_a_database_that_rds_skipped_stops_no_other_table():
    skipped = {
        "target": "postgres",
        "status": "COMPLETE",
        "warningMessage": "no tables were found, database skipped",
    }
    export = described(skipped, table("db.public.t", a="int32"))
    assert places(export) == {"db.public.t": "db/public.t/"}
    assert (export.skipped, export.refused) == ({"postgres": "no tables were found, database skipped"}, {})


@pytest.mark.parametrize("target", ["my.db", "db.empty", "db", "a.b.c.d"])
def test_what_was_skipped_of_postgresql_moves_no_other_tables_folder_however_it_is_called(target: str):
    export = described({"target": target, "status": "COMPLETE"}, table("db.public.t", a="int32"))
    assert places(export) == {"db.public.t": "db/public.t/"} and list(export.skipped) == [target]


def test_a_skipped_table_has_no_files_and_so_shares_no_folder():
    export = described({"target": "shop.a b", "status": "COMPLETE"}, table("shop.a_b", a="int32"))
    assert (places(export), export.refused) == ({"shop.a_b": "shop/shop.a_b/"}, {})


def test_a_table_that_the_config_names_and_rds_skipped_is_fatal_by_name():
    skipped = {"target": "db.public.a/b", "status": "COMPLETE", "warningMessage": "slash"}
    assert described(skipped, only=["db.public"]).skipped == {"db.public.a/b": "slash"}
    with pytest.raises(ExportInfoError, match=r"'db\.public\.a/b' is in `only`, and RDS skipped it: slash"):
        described(skipped, only=["db.public.a/b"])
    with pytest.raises(
        ExportInfoError, match=r"'db\.public\.c' is to be left out, and no table is called so"
    ):
        described(skipped, leave_out=["db.public.c"])


@pytest.mark.parametrize(
    "entry, why",
    [
        (table(status="FAILED") | {"warningMessage": "no rights"}, "it is 'FAILED': no rights"),
        (table(c="int7"), "column c: the exported type 'int7' is not known"),
        (table(id="int64", warningMessage="int64") | {"warningMessage": "cut"}, "it is complete with a warning: cut"),
        (table(ID="int64", id="int64"), "column 'ID' and another differ in case only; Glue knows lower case alone"),
        (table(export_date="int64"), "column 'export_date' has the name of a column that every table gets"),
        (table(Run="int64"), "column 'Run' has the name of a column that every table gets"),
        (table(**{"x" * 256: "int64"}), "has a name that Glue refuses"),
        (table(**{"a\ud800": "int64"}), "what describes it can't be read: UnicodeEncodeError"),
        ({"target": "shop.twice", "status": "COMPLETE", "schemaMetadata": {"originalTypeMappings": [
            {"columnName": "id", "originalType": "x", "expectedExportedType": "int64"}] * 2}},
         "column 'id' and another differ in case only; Glue knows lower case alone"),
        (table("alone", a="int64"), "it is neither db.table nor db.schema.table"),
    ],
)  # fmt: skip
def test_a_table_that_cant_be_read_is_refused_alone_and_can_be_left_out(entry: Any, why: str):
    other = table("shop.other", a="int32")
    export = described(entry, other)
    assert list(places(export)) == ["shop.other"] and why in export.refused[entry["target"]]
    export = described(entry, other, leave_out=[entry["target"]])
    assert (list(places(export)), export.refused, export.skipped) == (["shop.other"], {}, {})


def test_two_tables_in_one_folder_are_both_refused():
    pair = [table("shop.order items", a="int64"), table("shop.order_items", a="int64"), table(a="int64")]
    export = described(*pair)
    assert list(places(export)) == ["shop.customers"]
    assert set(export.refused) == {"shop.order items", "shop.order_items"}
    assert "one folder with shop.order_items" in export.refused["shop.order items"]


names = st.one_of(
    st.sampled_from(["order-id", "Größe", "ID", "İd", "id", "注文", "a b", "A\tB"]), st.text(max_size=8)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(names, unique=True, min_size=1, max_size=6))
def test_every_column_that_is_published_is_in_the_file_by_its_name_in_lower_case(columns: Any):
    """Athena matches columns of Parquet by name, case aside."""
    export = described(table(**dict.fromkeys(columns, "int64")))
    for published in export.tables:
        assert [c["Name"] for c in published.json()["columns"]] == [name.lower() for name in columns]
        assert len({c["Name"] for c in published.json()["columns"]}) == len(columns)
    assert len(export.tables) + len(export.refused) == 1


def test_an_export_without_descriptions_is_not_complete():
    with pytest.raises(ExportInfoError, match="not complete"):
        describe("raw/x/", {}, [])


@pytest.mark.parametrize("name", ["export_date", "run", "_rest", "Export-Date"])
def test_an_attribute_called_as_a_column_that_every_table_has_is_renamed(name: str):
    schema = schema_of([{"id": {"S": "a"}, name: {"S": "x"}}], keys=["id"])
    assert schema.columns[1].name.startswith(name.lower().replace("-", "_") + "_")


def test_a_declared_attribute_keeps_the_name_and_the_other_is_renamed():
    items = [{"id": {"S": "a"}, "order-id": {"S": "x"}, "order_id": {"S": "y"}}]
    schema = schema_of(items, {"order-id": "string"}, keys=["id"])
    named = {c.attribute: c.name for c in schema.columns}
    assert named["order-id"] == "order_id" and named["order_id"].startswith("order_id_")


def test_a_declared_attribute_whose_name_is_published_for_another_is_refused_with_both():
    published = schema_of([{"id": {"S": "a"}, "order_id": {"S": "y"}}], keys=["id"])
    seen = Observation.of_items([{"id": {"S": "a"}, "order-id": {"S": "x"}}])
    with pytest.raises(
        SchemaError, match="order-id is declared, and its column order_id is published for order_id"
    ):
        widen(published, seen, {"order-id": type_of("string")})


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("decimal(38,1)", {"N": "9" * 38}),
        ("decimal(38,1)", {"N": "0." + "0" * 24 + "1"}),
        ("bigint", {"N": "1100.5"}),
        ("bigint", {"N": "1" + "0" * 20}),
        ("string", {"N": "7"}),
    ],
)
def test_a_published_key_that_no_wider_type_holds_is_an_error_with_a_way_out(
    type: str, value: dict[str, Any]
):
    published = Schema((Column("n", "n", type_of(type)),), ("n",))
    with pytest.raises(SchemaError, match=r"the key n was published as .* delete the table from the catalog"):
        widen(published, Observation.of_items([{"n": value}]))


def test_a_published_key_that_a_wider_type_holds_is_widened():
    published = Schema((Column("n", "n", type_of("decimal(38,1)")),), ("n",))
    after, conflicts = widen(published, Observation.of_items([{"n": {"N": "1.25"}}]))
    assert (after.columns[0].type.json(), conflicts) == ("decimal(38,2)", [])
