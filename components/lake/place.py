"""Where a run works in the landing, and the statements for it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import pulumi

from components.arguments import replaced
from components.blocks.bucket import Expiry, LifecycleArgs
from components.iam import Statement
from components.shared.landing_folders import CODE, COPIES, RAW, RESULTS, STATE, WINDOWS, lake

# Days until what a run leaves on its way into a snapshot is deleted: it is of use until the run is over.
ON_ITS_WAY = {WINDOWS: 7}
# Each run writes a copy anew, so what it replaces is of no use, and one that no run has written for so long of none.
OF_COPIES = Expiry(35, versions_days=1)


@dataclass(frozen=True)
class Place:
    """Where a run works: the landing's bucket and key. Its folders are those of components/shared/landing_folders.py,
    whose names `read` and `write` take."""

    bucket: pulumi.Input[str]
    bucket_arn: str
    key_arn: pulumi.Input[str] | None

    def read(self, *prefixes: str) -> Statement:
        """Lets objects below these prefixes be read."""
        return Statement(
            "ReadLanding", ["s3:GetObject"], [f"{self.bucket_arn}/{prefix}*" for prefix in prefixes]
        )

    def write(self, *prefixes: str, parts: bool = False) -> Statement:
        """Lets objects below these prefixes be written; in `parts` if they are large."""
        actions = ["s3:AbortMultipartUpload", "s3:PutObject"] if parts else ["s3:PutObject"]
        return Statement("WriteLanding", actions, [f"{self.bucket_arn}/{prefix}*" for prefix in prefixes])

    def find(self) -> Statement:
        """Lets the bucket be listed."""
        # Without it a key that is not there would be a 403, like one that must not be read.
        return Statement("FindInLanding", ["s3:ListBucket"], [self.bucket_arn])

    def use_key(self, *actions: str) -> list[Statement]:
        """Lets the bucket's key be used, where it has one."""
        if self.key_arn is None:
            return []
        return [Statement("UseLandingKey", [f"kms:{action}" for action in actions], [self.key_arn])]


def expiring(
    lifecycle: LifecycleArgs, tables: Iterable[str], iceberg: Collection[str], *, copies: bool = False
) -> tuple[LifecycleArgs, dict[str, int | Expiry]]:
    """The rules for the whole bucket of a run, and prefix -> days until what lies there is deleted: no rule expires the
    files of `iceberg`, which are of use at any age, so where there are such tables, each other folder has a rule of its
    own. `tables`: all that are Parquet below lake/, as the catalog names them. `copies`: whether there are any."""
    days = lifecycle.expire_days
    runs: dict[str, int | Expiry] = {**ON_ITS_WAY, **({COPIES: OF_COPIES} if copies else {})}
    if not (iceberg and days):
        return lifecycle, runs
    others = [lake(table) for table in tables if table not in iceberg]
    folders = [RAW, STATE, RESULTS, CODE, *others]
    return replaced(lifecycle, expire_days=None), {**dict.fromkeys(folders, days), **runs}
