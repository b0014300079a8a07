"""Names of tables and columns: one rule for the run, the views, Athena and BigQuery."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from components.shared.catalog_names import RESERVED, column_names, table_names
from components.shared.rds_folders import folder

ALIKE = st.sampled_from(
    [
        "order-id",
        "order_id",
        "Order-ID",
        "ORDER_ID",
        "export_date",
        "run",
        "Run",
        "_rest",
        "注文",
        "顧客",
        "",
        "run_latest",
        "order_id_latest",
    ]
)
names = st.sets(st.one_of(ALIKE, st.text(max_size=12), st.text("aB._-", max_size=4)), max_size=8)


@given(names, names, names)
def test_no_two_attributes_have_one_column_and_none_a_reserved_or_taken_one(
    attributes: Any, declared: Any, taken: Any
):
    named = column_names(attributes, first=declared, taken=taken)
    assert set(named) == attributes
    assert len(set(named.values())) == len(attributes)
    assert not set(named.values()) & (RESERVED | taken)


@given(names, names)
def test_what_is_declared_is_named_as_if_nothing_else_were_there(attributes: Any, declared: Any):
    """So the program, which knows the declared attributes only, names them as the run does."""
    named = column_names(attributes | declared, first=declared)
    assert {a: named[a] for a in declared} == column_names(declared)


@given(names, names)
def test_no_two_tables_have_one_name_and_none_is_anothers_view(tables: Any, more: Any):
    named = table_names(tables)
    assert len(set(named.values())) == len(tables)
    assert not set(named.values()) & {f"{name}_latest" for name in named.values()}
    later = table_names(tables | more, named, published=named.values())
    assert {table: later[table] for table in tables} == named  # a name once given stays
    assert len(set(later.values())) == len(tables | more)
    assert not set(later.values()) & {f"{name}_latest" for name in later.values()}


def test_rds_writes_an_underscore_for_four_characters_and_mysql_has_its_database_twice():
    assert folder('shop.a b"c', mysql=True) == "shop/shop.a_b_c"
    assert folder("shop.public.a\\b`c", mysql=False) == "shop/public.a_b_c"
    assert folder("shop.public.größe-1", mysql=False) == "shop/public.größe-1"
