"""Which tables that an export keeps as Iceberg tables can be loaded, and from what.

An Iceberg table's files hold rows that its delete files take away again, and files of older snapshots lie beside them
(https://iceberg.apache.org/spec/#row-level-deletes), so a load of the folder would bring deleted rows back. What can be
loaded is a full export's own JSON; of a table with increments nothing is right, and it may be left out.
"""

from components.landing import TypedTable


def loadable(known: TypedTable | None) -> bool:
    """Whether there is anything of the table to load."""
    return not (known and known.iceberg and known.incremental)


def unloadable(name: str, known: TypedTable | None, landing: str, *, lake: bool) -> str | None:
    """What is wrong with loading the table, from the lake or from its exports; None where nothing is."""
    if not (known and known.iceberg and (lake or known.incremental)):
        return None
    way_out = (
        "leave the table out, and query it through the catalog"
        if known.incremental
        else "leave lake out, which loads the exports' own files"
    )
    return (
        f"tables.{name}{'.lake' if lake else ''}: '{landing}' keeps it as an Iceberg table, whose files hold deleted "
        f"rows, too, and a load would bring them back; {way_out}"
    )
