"""A MySQL database of a shop, as an RDS snapshot export gives it: what the embedded cloud's instance `shop` holds where
no stack declares its columns otherwise (databases.py).

A column has its type in MySQL, the type in the export, and the SQL that makes it of row number `i`; the widest
values of an unsigned BIGINT and a DECIMAL, NULLs and text in several scripts are among them.
Source of the types: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.data-types.html.
"""

from __future__ import annotations

from typing import NamedTuple

INSTANCE = DATABASE = "shop"


class Column(NamedTuple):
    """A column: its type in MySQL and in an export's Parquet, and its values in SQL."""

    name: str
    source: str
    exported: str
    sql: str

    @property
    def quoted(self) -> str:
        """Its name in DuckDB's SQL."""
        return '"' + self.name.replace('"', '""') + '"'


class Table(NamedTuple):
    """A table of the sample database."""

    rows: int
    columns: tuple[Column, ...]

    def sql(self) -> str:
        """The rows, in DuckDB's SQL."""
        columns = ", ".join(f"{column.sql} AS {column.quoted}" for column in self.columns)
        return f"SELECT {columns} FROM range(1, {self.rows + 1}) AS made(i)"


TEXT, MICROS = "binary (UTF8)", "int64 (TIMESTAMP_MICROS)"
NAMES = "['東京', 'Zürich', 'São Paulo', 'Nairobi', 'Reykjavík']"
TABLES = {
    "shop.products": Table(
        1_200,
        (
            Column("product_id", "bigint unsigned", "fixed_len_byte_array(9) (DECIMAL(20,0))",
                   "CASE WHEN i = 1 THEN 18446744073709551615 ELSE i END::DECIMAL(20,0)"),
            Column("name", "varchar", TEXT, f"concat({NAMES}[i % 5 + 1], ' ', i)"),
            Column("price", "decimal", "int32 (DECIMAL(9,2))", "(i * 19.99 % 1000)::DECIMAL(9,2)"),
            Column("photo", "blob", "binary", "CASE WHEN i % 3 = 0 THEN encode(concat('photo', i)) END"),
            Column("added", "datetime", MICROS, "TIMESTAMP '2026-01-01' + to_seconds(i * 61)"),
        ),
    ),
    "shop.payments": Table(
        3_000,
        (
            Column("payment_id", "bigint", "int64", "i::BIGINT"),
            Column("amount", "decimal", "fixed_len_byte_array(16) (DECIMAL(38,4))",
                   "CASE WHEN i = 1 THEN '9999999999999999999999999999999999.9999' ELSE (i / 7)::VARCHAR END"
                   "::DECIMAL(38,4)"),
            Column("refunded", "tinyint", "int32", "CASE WHEN i % 11 = 0 THEN 1 ELSE 0 END::INTEGER"),
            Column("note", "json", TEXT, """CASE WHEN i % 2 = 0 THEN '{"by": "card"}' END"""),
        ),
    ),
    "shop.stock": Table(
        0,
        (Column("sku", "char", TEXT, "'x'"), Column("amount", "int", "int32", "i::INTEGER")),
    ),
}  # fmt: skip
