"""Which Iceberg tables a run keeps a plain copy of, for what reads Parquet and no Iceberg table."""

import json
from collections.abc import Collection, Iterator, Sequence

from components.arguments import nearest
from components.shared import variables


def unfit_copies(copies: Sequence[str], iceberg: Collection[str]) -> Iterator[str]:
    """What is wrong with `copies`: tables by their sources' names, which must be among those that are `iceberg`."""
    for index, table in enumerate(copies):
        if not iceberg:
            yield f"copies[{index}]: '{table}' is no Iceberg table, and any other is Parquet by itself; leave it out"
        elif table not in iceberg:
            yield f"copies[{index}]: '{table}' is not one of the Iceberg tables; {nearest(table, iceberg)}"
    size = len(json.dumps(list(copies)))
    if size > variables.MOST_BYTES:
        yield (
            f"copies: {size:,} bytes of JSON, and the environment of the function that writes them holds "
            f"{variables.MOST_BYTES:,} of them; name fewer, and put the others into a pipeline of their own"
        )
