"""Who may do what with the data catalog and the locations that Lake Formation governs.

Its permissions and their resources: https://docs.aws.amazon.com/lake-formation/latest/dg/lf-permissions-reference.html.
They add up, and IAM's are needed besides. Here a resource is `database/<catalog>/<name>`,
`table/<catalog>/<database>/<name>` and `location/<ARN>`; a table `*` is all of a database's. What all tables of a
database are granted makes the database visible, too
(https://docs.aws.amazon.com/lake-formation/latest/dg/granting-table-permissions.html), and a location is what lies
below it (https://docs.aws.amazon.com/lake-formation/latest/dg/register-data-lake.html).
"""

from collections.abc import Iterable, Iterator

from tests.contract.iam.grants import Grant, Granting, UnreadGrant, only

PLACES = ("database/", "table/", "location/")
EVERYBODY = "IAM_ALLOWED_PRINCIPALS"
"""Whoever IAM lets in (https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html)."""
PERMISSIONS = {
    "database": {"ALTER", "CREATE_TABLE", "DESCRIBE", "DROP"},
    "table": {"ALTER", "DELETE", "DESCRIBE", "DROP", "INSERT", "SELECT"},
    "location": {"DATA_LOCATION_ACCESS"},
}


def grants(resource: Granting) -> Iterator[Grant]:
    """The grants of a resource of permissions."""
    only(resource, {"principal", "permissions", "database", "table", "dataLocation", "region"})
    for may in resource.inputs["permissions"]:
        yield Grant(f"Lake Formation's {resource.name}", resource.inputs["principal"], may, _place(resource))


def _place(resource: Granting) -> str:
    if database := resource.inputs.get("database"):
        only(resource, {"name", "catalogId"}, database)
        return f"database/{database['catalogId']}/{database['name']}"
    if table := resource.inputs.get("table"):
        only(resource, {"name", "databaseName", "catalogId", "wildcard"}, table)
        name = "*" if table.get("wildcard") else table["name"]
        return f"table/{table['catalogId']}/{table['databaseName']}/{name}"
    if location := resource.inputs.get("dataLocation"):
        only(resource, {"arn", "catalogId"}, location)
        return f"location/{location['arn']}"
    raise UnreadGrant(resource, "it grants on none of database, table and dataLocation")


def allows(grants: Iterable[Grant], who: str, may: str, on: str) -> bool:
    """Whether one of the grants lets `who` do it. Raises ValueError on what the service doesn't know."""
    if may not in PERMISSIONS[on.partition("/")[0]]:
        raise ValueError(f"{may} on {on}: Lake Formation has no such permission there")
    return any(grant.who in (who, EVERYBODY, "*") and _covers(grant, may, on) for grant in grants)


def _covers(grant: Grant, may: str, on: str) -> bool:
    kind, place = on.partition("/")[0], grant.on
    if place.startswith("location/"):
        return kind == "location" and grant.may == may and (on == place or on.startswith(f"{place}/"))
    whole = place.endswith("/*")
    if whole and may == "DESCRIBE" and on == place.replace("table/", "database/", 1).removesuffix("/*"):
        return True
    fits = on == place or (
        whole and on.startswith(place.removesuffix("*")) and place.count("/") == on.count("/")
    )
    return fits and grant.may in (may, "ALL")
