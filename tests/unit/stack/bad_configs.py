"""Wrong configs of the stack itself, its accounts, of any pipeline and of two together."""

from typing import Any

import yaml

from components.stack.kinds import KINDS
from tests.unit.configs import ANALYTICS, EXPORT, REPLICA, WORKLOAD, accounts, lake, stack

ROLE = "arn:aws:iam::111111111111:role/deploy"
BAD: dict[str, tuple[dict[str, Any], str]] = {
    # the stack's own keys
    "no accounts": ({"pipelines": {}}, "accounts: missing; expected: The AWS accounts by name"),
    "empty accounts": (
        {"accounts": {}},
        'accounts: empty; write at least one: {workload: {id: "<12 digits>"',
    ),
    "accounts a list": ({"accounts": [1]}, "accounts: [1] is not a mapping of keys"),
    "unknown key": (stack(pipeline={}), "pipeline: no such key; did you mean 'pipelines'?"),
    "unknown key far off": (
        stack(zzz=1),
        "zzz: no such key; known: accounts, alarms, cost, dashboard, functions",
    ),
    "a function's runtime": (
        stack(functions={"runtime": "node22"}),
        "functions.runtime: 'node22' is not one of 'python3.11', 'python3.12', 'python3.13' or 'python3.14'",
    ),
    "a Python that Lambda has not": (
        stack(functions={"runtime": "python3.99"}),
        "functions.runtime: 'python3.99' is not one of 'python3.11', 'python3.12', 'python3.13' or 'python3.14'; did",
    ),
    "a function's architecture": (
        stack(functions={"architecture": "x86"}),
        "functions.architecture: 'x86' is not one of 'arm64' or 'x86_64'; did you mean 'x86_64'?",
    ),
    "a log's retention": (
        stack(functions={"log_retention_days": 31}),
        "functions.log_retention_days: 31 is not one of 1, 3, 5, 7, 14, 30",
    ),
    "an e-mail": (
        stack(alarms={"emails": ["nobody"]}),
        "alarms.emails[0]: 'nobody' is not an e-mail address",
    ),
    "alarms misspelt": (
        stack(alarms={"email": ["a@b"]}),
        "alarms.email: no such key; did you mean 'emails'?",
    ),
    "a tag's value": (
        stack(tags={"team": 7}),
        'tags.team: 7 is a number, text is expected; write it in quotes: "7"',
    ),
    "a tag's value that YAML read as an octal number": (
        stack(tags={"team": yaml.safe_load("007123")}),
        'tags.team: 3667 is a number, text is expected; write it in quotes: "3667", or "07123" if it began with 0',
    ),
    "a tag's value whose last digit YAML lost": (
        stack(tags={"release": yaml.safe_load("1.10")}),
        "tags.release: YAML has read 1.1, text is expected; write it in quotes, as it stands in the file",
    ),
    "a tag's value that YAML read as a truth": (
        stack(tags={"team": yaml.safe_load("no")}),
        "tags.team: YAML has read False, text is expected; write it in quotes, as it stands in the file",
    ),
    "a tag of AWS's own": (
        stack(tags={"AWS:team": "shop"}),
        "tags.AWS:team: 'AWS:team' is not a tag's key (1-128 of letters, digits, spaces and '_.:/=+-@'; 'aws:' and",
    ),
    "a tag's key too long": (stack(tags={"k" * 129: "shop"}), f"'{'k' * 129}' is not a tag's key (1-128 of"),
    "a tag's value too long": (
        stack(tags={"team": "v" * 257}),
        f"tags.team: '{'v' * 257}' is not a tag's value",
    ),
    "a tag's value of signs": (
        stack(tags={"team": "a;b"}),
        "tags.team: 'a;b' is not a tag's value (at most 256 of",
    ),
    "too many tags": (stack(tags={f"t{n}": "" for n in range(49)}), "should have at most 48 items"),
    "a tag that is no label": (
        stack(gcp={"project": "shop-analytics", "location": "EU"}, tags={"Team": "shop"}),
        "tags.Team: 'Team: shop' is refused by Google Cloud, where a tag becomes a label",
    ),
    "retain_data": (stack(retain_data="perhaps"), "retain_data: 'perhaps' should be a valid boolean"),
    "gcp without location": (
        stack(gcp={"project": "shop-analytics"}),
        "gcp.location: missing; expected: Where datasets",
    ),
    "gcp project": (
        stack(gcp={"project": "Shop", "location": "EU"}),
        "gcp.project: 'Shop' is not a project's id",
    ),
    # accounts
    "an id without quotes": (
        accounts(id=111111111111),
        'accounts.workload.id: 111111111111 is a number, text is expected; write it in quotes: "111111111111"',
    ),
    "an account's id that YAML read as an octal number": (
        accounts(id=yaml.safe_load("012345670123")),
        'loses them; if it was 012345670123, write "012345670123"',
    ),
    "a landing's key by its alias": (
        stack(
            pipelines={
                "replica": {
                    "kind": "replication",
                    "account": "analytics",
                    "landing": {
                        "account": "workload",
                        "bucket": "shop-raw",
                        "key_arn": "arn:aws:kms:eu-central-1:111111111111:alias/lake",
                    },
                }
            }
        ),
        "landing.key_arn: 'arn:aws:kms:eu-central-1:111111111111:alias/lake' is not a key's ARN, and a policy takes no",
    ),
    "a role beside a chain of them": (
        accounts(role=ROLE, roles=[{"arn": ROLE}]),
        "accounts.workload.role: both 'role' and 'roles' are written; make the role the last of the roles",
    ),
    "a chain that ends elsewhere": (
        accounts(roles=[{"arn": ROLE}, {"arn": ROLE.replace("1" * 12, "2" * 12)}]),
        "accounts.workload.roles: the last, 'arn:aws:iam::222222222222:role/deploy', is not of account 111111111111",
    ),
    "a chain with a name for a role": (
        accounts(roles=[{"arn": "deploy"}]),
        "roles[0].arn: 'deploy' is not a role's ARN",
    ),
    "a chain of texts": (accounts(roles=[ROLE]), "accounts.workload.roles[0]"),
    "a transitive tag that is not set": (
        accounts(roles=[{"arn": ROLE, "transitive_tags": ["team"]}]),
        "roles[0].transitive_tags: 'team' is not among session_tags; write its value there",
    ),
    "an external id with a space": (
        accounts(roles=[{"arn": ROLE, "external_id": "of us"}]),
        "roles[0].external_id: 'of us' is not an external id",
    ),
    "a session's tag of AWS": (
        accounts(roles=[{"arn": ROLE, "session_tags": {"aws:team": "data"}}]),
        "'aws:team' is not a tag's key",
    ),
    "a short id": (
        accounts(id="1234"),
        "accounts.workload.id: '1234' is not an account id; write its 12 digits",
    ),
    "a region": (
        accounts(region="frankfurt"),
        "accounts.workload.region: 'frankfurt' is not a region of AWS; write its code, such as 'eu-central-1'",
    ),
    "a role": (
        accounts(role="deploy"),
        "accounts.workload.role: 'deploy' is not a role's ARN; write 'arn:aws:iam::<account id>:role/<name>'",
    ),
    "a role of another account": (
        accounts(role="arn:aws:iam::333333333333:role/deploy"),
        "accounts.workload.role: 'arn:aws:iam::333333333333:role/deploy' is not of account 111111111111; name",
    ),
    "a boundary": (
        accounts(permissions_boundary="tributary-boundary"),
        "accounts.workload.permissions_boundary: 'tributary-boundary' is not the ARN of a managed policy of an "
        "account; write "
        "'arn:aws:iam::<account id>:policy/<name>'",
    ),
    "a boundary of AWS": (
        accounts(permissions_boundary="arn:aws:iam::aws:policy/PowerUserAccess"),
        "accounts.workload.permissions_boundary: 'arn:aws:iam::aws:policy/PowerUserAccess' is not the ARN of a managed",
    ),
    "a boundary of another account": (
        accounts(permissions_boundary="arn:aws:iam::333333333333:policy/b"),
        "accounts.workload.permissions_boundary: 'arn:aws:iam::333333333333:policy/b' is not of account 111111111111 "
        "in partition aws, and IAM takes a boundary of the role's own account only; make the policy there and write "
        "'arn:aws:iam::111111111111:policy/b'",
    ),
    "a boundary of another partition": (
        accounts(permissions_boundary="arn:aws-cn:iam::111111111111:policy/b"),
        "accounts.workload.permissions_boundary: 'arn:aws-cn:iam::111111111111:policy/b' is not of account "
        "111111111111 in partition aws",
    ),
    "an account's key": (accounts(rgion="x"), "accounts.workload.rgion: no such key; did you mean 'region'?"),
    "an account that is text": (
        stack(accounts={"workload": "111111111111", "analytics": ANALYTICS}),
        "accounts.workload: '111111111111' is not a mapping of keys; expected: {id, region, role, "
        "permissions_boundary, roles}",
    ),
    "an account's name": (
        stack(accounts={"Work load": WORKLOAD}, pipelines={}),
        "accounts.Work load: 'Work load' is not a name (2-30 of a-z, 0-9, '-', starting with a letter)",
    ),
    # any pipeline
    "a pipeline's name": (
        stack(pipelines={"Shop_Lake": EXPORT}),
        "pipelines.Shop_Lake: 'Shop_Lake' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter); "
        "write 'shop-lake'",
    ),
    "a pipeline that is text": (
        stack(pipelines={"lake": "export"}),
        "pipelines.lake: 'export' is not a mapping",
    ),
    "a pipeline's name that suggests no other": (
        stack(pipelines={"x": EXPORT}),
        "pipelines.x: 'x' is not a pipeline's name (2-30 of a-z, 0-9, '-', starting with a letter)",
    ),
    "no kind": (
        stack(pipelines={"lake": {}}),
        f"pipelines.lake.kind: None is not a kind of pipeline; known: {', '.join(sorted(KINDS))}",
    ),
    "an unknown kind": (
        lake(kind="exports"),
        "pipelines.lake.kind: 'exports' is not a kind of pipeline; did you mean 'export'?",
    ),
    "an unknown account": (
        lake(account="workloads"),
        "pipelines.lake.account: 'workloads' is not an account of this stack; did you mean 'workload'?; "
        "known: analytics, workload",
    ),
    "no account of two": (
        stack(pipelines={"lake": {"kind": "export", "sources": [{"dynamodb": "orders"}]}}),
        "pipelines.lake.account: missing; write one of analytics, workload",
    ),
    "an unknown argument": (
        lake(scedule="x"),
        "pipelines.lake.scedule: no such key; did you mean 'schedule'?",
    ),
    "a key of the stack": (
        lake(retain_data=True),
        "pipelines.lake.retain_data: the stack's own key, not a pipeline's; write it beside 'pipelines'",
    ),
    # two pipelines together
    "two sets of rules on one bucket": (
        stack(pipelines={"lake": EXPORT, "replica": REPLICA, "again": REPLICA}),
        "the landing is replicated by 'replica' already, and a bucket has one set of rules",
    ),
    "a table created twice": (
        stack(
            pipelines={
                name: EXPORT | {"sources": [{"dynamodb": "orders", "create": {"hash_key": {"name": "id"}}}]}
                for name in ("one", "two")
            }
        ),
        "pipelines.two.sources[0].create: 'one' creates the table 'orders', too; deploy that pipeline first, then "
        "this one without 'create'",
    ),
}
