"""An OpenSearch Serverless collection with its policies, each as wide as its user needs."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components import names
from components.accounts import IAM_NAME, AccountArgs, arn_pattern
from components.arguments import Text, arguments, matching, together
from components.blocks.collection_group import CollectionGroupArgs, SharedGroup, group_of, planned_name
from components.blocks.key import KmsKeyArn

PrincipalArn = Annotated[
    str,
    matching(
        arn_pattern("(iam|sts)", f"(role|user|assumed-role)/{IAM_NAME}", region=""),
        "'{value}' is not the ARN of a role or a user; write 'arn:aws:iam::<account id>:role/<name>'",
    ),
]
IndexName = Annotated[
    str,
    matching(
        r"[a-z0-9][a-z0-9_.-]{0,79}",
        "'{value}' is not an index's name (1-80 of a-z 0-9 '_' '-' '.', starting with a letter or a digit); "
        "OpenSearch refuses capitals",
    ),
]


@arguments
class NetworkArgs:
    """From where a collection is reached."""

    public: bool = True
    """Whether its endpoint answers signed requests from anywhere; without it only through `vpc_endpoints`."""
    public_dashboards: bool = True
    """Whether Dashboards are reached from anywhere, after a sign-in."""
    vpc_endpoints: list[
        Annotated[
            str,
            matching(
                r"vpce-[0-9a-z]{1,200}",
                "'{value}' is not the id of a VPC endpoint; write one like 'vpce-0a1b2c3d4e5f67890'",
            ),
        ]
    ] = Field(default_factory=list)
    """The OpenSearch Serverless VPC endpoints that reach it."""

    @together
    def _is_reached(self) -> Iterator[str]:
        if not self.public and not self.vpc_endpoints:
            yield "vpc_endpoints: nothing could reach the collection; write 'public: true', or some"


@arguments
class CollectionArgs:
    """A collection that the program creates."""

    generation: Literal["classic", "nextgen"] = "classic"
    """`nextgen` stands in a group and sleeps after ten idle minutes, at no cost but its storage; the first request then
    takes 10 to 30 seconds. Can't be changed later (docs/collections.md)."""
    group: CollectionGroupArgs = CollectionGroupArgs()
    """The group of a collection of generation `nextgen`."""
    standby_replicas: bool = True
    """Whether replicas stand by in other zones. That takes two OpenSearch Compute Units at the least rather than one
    (about 350 dollars a month rather than 175). Can't be changed later."""
    key_arn: KmsKeyArn | None = None
    """A customer's KMS key to encrypt it with; without it a key that AWS owns. Can't be changed later."""
    network: NetworkArgs = NetworkArgs()
    """From where it is reached."""
    readers: list[PrincipalArn] = Field(default_factory=list)
    """Roles and users that read every index and see it in Dashboards. Each also needs IAM rights
    `aoss:APIAccessAll` on the collection and `aoss:DashboardsAccessAll`."""

    @together
    def _its_generation_has_it(self) -> Iterator[str]:
        if self.generation == "classic" and self.group.written():
            yield "group: a classic collection stands in none here; write generation: nextgen, or leave it out"
        if self.generation == "nextgen" and not self.standby_replicas:
            # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html
            yield (
                "standby_replicas: a group of the next generation always has them, and is free asleep all the same; "
                "leave it out"
            )
        if self.generation == "nextgen" and (not self.network.public or self.network.vpc_endpoints):
            # https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-endpoints.html
            yield (
                "network: from a VPC the next generation is reached by an interface endpoint of EC2; ingestion and "
                "this program know only one of OpenSearch Serverless; write public: true without "
                "vpc_endpoints, or generation: classic"
            )


@arguments
class SharedCollection:
    """A collection of another pipeline, as that pipeline hands it on."""

    name: Annotated[
        Text, matching("[a-z][a-z0-9-]{2,31}", "'{value}' is not a collection's name (3-32 of a-z 0-9 '-')")
    ]
    """The collection's name."""
    arn: Annotated[
        Text,
        matching(
            arn_pattern("aoss", "collection/[a-z0-9-]{1,128}"),
            "'{value}' is not a collection's ARN; write 'arn:aws:aoss:<region>:<account id>:collection/<id>'",
        ),
    ]
    """Its ARN."""
    endpoint: Annotated[
        Text, matching(r"https?://\S{1,500}", "'{value}' is not an endpoint; write 'https://…'")
    ]
    """Its endpoint, an https address."""
    dashboards: Text
    """The address of its Dashboards."""
    type: Literal["SEARCH", "TIMESERIES"]
    """What it is made for; TIMESERIES takes no document ids."""
    public: bool = True
    """Whether its endpoint answers from anywhere."""
    vpc_endpoints: list[str] = Field(default_factory=list)
    """The VPC endpoints that reach it."""

    def described(self) -> tuple[pulumi.Output[str], ...]:
        """Its name, ARN, endpoint and Dashboards, as a pipeline's outputs."""
        return tuple(
            pulumi.Output.from_input(value) for value in (self.name, self.arn, self.endpoint, self.dashboards)
        )


def collection_conflicts(collection: CollectionArgs, shared: SharedCollection | None) -> Iterator[str]:
    """An error where a collection is configured and another pipeline's is used."""
    if shared and collection != CollectionArgs():
        yield (
            "collection: no collection is made where another pipeline's is used; write it with that pipeline, or leave "
            "out collection_of"
        )


def group_conflicts(
    collection: CollectionArgs,
    group: SharedGroup | None,
    shared: SharedCollection | None,
    type: Literal["SEARCH", "TIMESERIES"],
) -> Iterator[str]:
    """An error where a collection of `type` can't stand in another pipeline's group
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-collection-groups.html)."""
    if group is None:
        return
    if shared:
        yield (
            "group_of: another pipeline's collection is used, which stands in a group of its own or in none; leave out "
            "group_of or collection_of"
        )
        return
    if collection.generation != "nextgen":
        yield (
            "group_of: a classic collection stands in no group here; write collection: {generation: nextgen}, or leave "
            "out group_of"
        )
    if collection.group.written():
        yield (
            "group_of: the units are set by the pipeline that creates the group; leave out collection.group here, or "
            "group_of"
        )
    if group.type != type:
        yield (
            f"group_of: that group holds collections of type {group.type} and of no other, and this one is of type "
            f"{type}; name a pipeline of the same kind, or leave it out for a group of its own"
        )


READ = ("aoss:DescribeIndex", "aoss:ReadDocument")


class Collection(pulumi.ComponentResource):
    """The collection, after an encryption policy that matches it (the service refuses it otherwise) and a network
    policy; a data access policy for the named readers; with `retention` a lifecycle policy (TIMESERIES only).

    Policies: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html. Each has
    a description, as the provider reads back an inconsistent result without one.

    Costs at rest: half an OpenSearch Compute Unit for indexing and half a one for search (about 175 dollars a month),
    twice that with standby replicas; collections of one account and key share them
    (https://aws.amazon.com/blogs/big-data/amazon-opensearch-serverless-cost-effective-search-capabilities-at-any-scale/).
    One of generation `nextgen` costs its storage while it sleeps, and from its group's minimum to its maximum awake
    (https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scale-to-zero.html).
    """

    shared: SharedCollection
    group: SharedGroup | None
    """The group that it stands in, with generation `nextgen`."""

    def __init__(
        self,
        name: str,
        account: AccountArgs,  # noqa: ARG002 - every block is given the account that it stands in
        args: CollectionArgs,
        *,
        type: Literal["SEARCH", "TIMESERIES"],
        description: str,
        group: SharedGroup | None = None,
        retention: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ):
        """`description`: as the account shows it. `group`: another pipeline's collection group that it joins; None
        where it has its own or none."""
        super().__init__("tributary:blocks:Collection", name, None, opts)
        child_opts = pulumi.ResourceOptions(parent=self)
        physical = names.collection(name)
        key = {"KmsARN": args.key_arn} if args.key_arn else {"AWSOwnedKey": True}
        encryption = aws.opensearch.ServerlessSecurityPolicy(
            f"{name}-encryption",
            name=names.collection(f"{name}-encryption"),
            type="encryption",
            description=f"Encrypts {physical}",
            policy=json.dumps({"Rules": [_rule("collection", physical)], **key}),
            opts=child_opts,
        )
        network = aws.opensearch.ServerlessSecurityPolicy(
            f"{name}-network",
            name=names.collection(f"{name}-network"),
            type="network",
            description=f"From where {physical} is reached",
            policy=json.dumps(_network(physical, args.network)),
            opts=child_opts,
        )
        of_the_group = group_of(name, args.group, group, child_opts) if args.generation == "nextgen" else None
        collection = aws.opensearch.ServerlessCollection(
            name,
            name=physical,
            type=type,
            description=description,
            standby_replicas="ENABLED" if args.standby_replicas else "DISABLED",
            collection_group_name=of_the_group,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[encryption, network]),
        )
        if retention:
            aws.opensearch.ServerlessLifecyclePolicy(
                f"{name}-retention",
                name=names.collection(f"{name}-retention"),
                type="retention",
                description=f"How long {physical} keeps its documents",
                policy=json.dumps(
                    {
                        "Rules": [
                            {
                                "ResourceType": "index",
                                "Resource": [f"index/{physical}/*"],
                                "MinIndexRetention": retention,
                            }
                        ]
                    }
                ),
                opts=child_opts,
            )
        self.group = SharedGroup(name=of_the_group, type=type) if of_the_group is not None else None
        self.shared = SharedCollection(
            name=collection.name,
            arn=collection.arn,
            endpoint=collection.collection_endpoint,
            dashboards=collection.dashboard_endpoint,
            type=type,
            public=args.network.public,
            vpc_endpoints=args.network.vpc_endpoints,
        )
        if args.readers:
            data_access(
                f"{name}-readers",
                physical,
                args.readers,
                {"*": READ},
                collection_items=["aoss:DescribeCollectionItems"],
                description=f"Reads every index of {physical}",
                opts=child_opts,
            )
        self.register_outputs({"arn": collection.arn, "endpoint": collection.collection_endpoint})

    @staticmethod
    def planned(
        name: str, account: AccountArgs, args: CollectionArgs, type: Literal["SEARCH", "TIMESERIES"]
    ) -> SharedCollection:
        """The collection as far as it is known before it is there: its name is, what the service makes up stands for
        itself."""
        physical = names.collection(name)
        address = f"https://{physical}.{account.region}.aoss.{account.dns_suffix}"
        return SharedCollection(
            name=physical,
            arn=account.arn("aoss", f"collection/{physical}"),
            endpoint=address,
            dashboards=f"{address}/_dashboards",
            type=type,
            public=args.network.public,
            vpc_endpoints=args.network.vpc_endpoints,
        )


def planned_group(
    name: str, args: CollectionArgs, type: Literal["SEARCH", "TIMESERIES"]
) -> SharedGroup | None:
    """The group of the collection `name` that others can stand in, before it is there; a classic one has none."""
    return (
        SharedGroup(name=planned_name(name, args.group), type=type) if args.generation == "nextgen" else None
    )


def data_access(
    name: str,
    collection: pulumi.Input[str],
    principals: Sequence[pulumi.Input[str]],
    indexes: dict[str, Sequence[str]],
    *,
    description: str,
    opts: pulumi.ResourceOptions,
    collection_items: Sequence[str] = (),
) -> aws.opensearch.ServerlessAccessPolicy:
    """Lets `principals` do with each index (a name, or a pattern ending in `*`) what is listed for it; and with the
    collection's own items, such as index templates, what `collection_items` lists.

    `collection`: its name. `indexes`: index -> actions on it, such as `aoss:ReadDocument`. `description`: of the
    policy."""

    def rule(kind: str, pattern: str, permissions: Sequence[str]) -> dict[str, object]:
        resource = pulumi.Output.concat(f"{kind}/", collection, pattern)
        return {"ResourceType": kind, "Resource": [resource], "Permission": list(permissions)}

    rules = [rule("index", f"/{index}", permissions) for index, permissions in indexes.items()]
    if collection_items:
        rules.append(rule("collection", "", collection_items))
    return aws.opensearch.ServerlessAccessPolicy(
        name,
        name=names.collection(name),
        type="data",
        description=description,
        policy=pulumi.Output.json_dumps(
            [{"Description": description, "Rules": rules, "Principal": list(principals)}]
        ),
        opts=opts,
    )


def closed_network(
    name: str,
    collection: pulumi.Input[str],
    vpc_endpoints: Sequence[str],
    *,
    description: str,
    parent: pulumi.Resource,
) -> aws.opensearch.ServerlessSecurityPolicy:
    """A network policy beside the collection's own, that a service adds its own VPC endpoint to. It can't be empty, and
    begins with the endpoints that reach the collection anyway; what the service writes is left as it is.
    `collection`: its name. `vpc_endpoints`: their ids, one or more. `description`: a text for the console."""
    rule = {"ResourceType": "collection", "Resource": [pulumi.Output.concat("collection/", collection)]}
    return aws.opensearch.ServerlessSecurityPolicy(
        name,
        name=names.collection(name),
        type="network",
        description=description,
        policy=pulumi.Output.json_dumps(
            [{"Rules": [rule], "AllowFromPublic": False, "SourceVPCEs": list(vpc_endpoints)}]
        ),
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["policy"]),
    )


def _rule(kind: str, collection: str) -> dict[str, object]:
    return {"ResourceType": kind, "Resource": [f"collection/{collection}"]}


def _network(collection: str, args: NetworkArgs) -> list[dict[str, object]]:
    public = [kind for kind, on in (("collection", args.public), ("dashboard", args.public_dashboards)) if on]
    policy: list[dict[str, object]] = []
    if public:
        policy.append(
            {
                "Description": "From anywhere, signed",
                "Rules": [_rule(kind, collection) for kind in public],
                "AllowFromPublic": True,
            }
        )
    if args.vpc_endpoints:
        policy.append(
            {
                "Description": "From the network's own endpoints",
                "Rules": [_rule(kind, collection) for kind in ("collection", "dashboard")],
                "AllowFromPublic": False,
                "SourceVPCEs": args.vpc_endpoints,
            }
        )
    return policy
