"""Where RDS puts the files of an exported table. Pure.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.FileNames.html: `<export>/<database>/
<schema.table>/<batch>/part-*.gz.parquet`; of MySQL and MariaDB, where the schema is the database, `<database>/
<database.table>/`.
"""

import re


def folder(table: str, *, mysql: bool) -> str:
    """The folder of `database.table` (MySQL) or `database.schema.table` (PostgreSQL) below its export, without a slash
    at the end; a table's own name may hold dots. RDS writes '_' for backslash, backtick, double quote and space
    (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ExportSnapshot.html#USER_ExportSnapshot.Limits)."""
    database, _, rest = table.partition(".")
    return _written(f"{database}/{table if mysql else rest}")


def places(table: str) -> list[str]:
    """All folders that it can have, wherever its database's name, which may hold dots, too, ends."""
    dots = [dot.start() for dot in re.finditer(r"\.", table)]
    return [_written(f"{table[:dot]}/{rest}") for dot in dots for rest in (table[dot + 1 :], table)]


def _written(place: str) -> str:
    return re.sub(r'[\\`" ]', "_", place)


def is_mysql(tables: list[str]) -> bool:
    """Whether an export with these tables is of MySQL or MariaDB: a table of PostgreSQL has three parts and more."""
    return any(table.count(".") == 1 for table in tables)
