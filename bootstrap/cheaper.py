"""What a stack could be without: each key of its config that costs money for a guarantee, what it would save, and what
would be given up: `python -m bootstrap.cheaper <stack> [--json]`.

Each saving is the difference of two estimates, of the config and of the config with that key changed: a choice is a
config that the program takes, or one of which it says what else to write.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from bootstrap.cost import estimated
from bootstrap.registered import config_of, in_words
from components.arguments.plain import is_mapping
from components.arguments.report import Refused
from components.cost import difference
from components.cost.text import dollars
from components.cost.usage import FirehoseUsageArgs

Config = Mapping[str, Any]
"""A stack's config, or a pipeline's part of it: keys without their namespace."""
PEAK = 10
"""How many times the average of a month the busiest second of a stream is taken to be."""
DAYS = 30


@dataclass(frozen=True)
class Choice:
    """A change of one pipeline's config: `keys` are laid over it, a mapping key by key."""

    pipeline: str
    write: str
    """What to write, in a line."""
    keys: Mapping[str, Any]
    given_up: str
    """What the pipeline no longer does, or no longer promises."""


@dataclass(frozen=True)
class Saving:
    """What a choice changes, in US dollars a month: `[least, most]`, negative where it saves."""

    choice: Choice
    month: tuple[float, float] | None
    """None where the config, with this choice alone, is refused."""
    needs: str = ""
    """What else has to change, then, in the config's own words."""


def choices(config: Config) -> Iterator[Choice]:
    """The choices that a stack's config leaves, pipeline by pipeline. A pure function."""
    for name, pipeline in config["pipelines"].items():
        for choice in _OF.get(pipeline["kind"], ()):
            yield from choice(name, pipeline)


def savings(stack: str, config: Config) -> list[Saving]:
    """What each choice would save, each on its own, the largest first, and at the end those that need more; a choice
    that saves nothing is left out. Raises what the program raises for the config as it is."""
    now = estimated(stack, config)
    all_savings = [_saving(stack, now, changed(config, choice), choice) for choice in choices(config)]
    saved = [each for each in all_savings if each.month and min(each.month) < 0]
    return sorted(saved, key=lambda each: sum(each.month or ())) + [
        each for each in all_savings if each.needs
    ]


def _saving(stack: str, now: Mapping[str, Any], config: Config, choice: Choice) -> Saving:
    try:
        least, most = difference(now, estimated(stack, config))["month"]["change"]
    except Refused as refused:
        return Saving(choice, None, "; ".join(str(error) for error in refused.errors))
    return Saving(choice, (least, most))


def changed(config: Config, choice: Choice) -> dict[str, Any]:
    """The config with a choice made; the one that is given stays as it is."""
    pipelines = config["pipelines"]
    return {
        **config,
        "pipelines": {
            **pipelines,
            choice.pipeline: _laid_over(pipelines[choice.pipeline], choice.keys),
        },
    }


def _laid_over(below: Any, above: Any) -> Any:
    if is_mapping(below) and is_mapping(above):
        return {**below, **{key: _laid_over(below.get(key), value) for key, value in above.items()}}
    return above


def _collection(name: str, pipeline: Config) -> Iterator[Choice]:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-scaling.html and
    serverless-scale-to-zero.html."""
    collection = _part(pipeline, "collection")
    if "collection_of" in pipeline or collection.get("generation", "classic") != "classic":
        return
    if collection.get("standby_replicas", True):
        yield Choice(
            name,
            "collection: {standby_replicas: false}",
            {"collection": {"standby_replicas": False}},
            "no copy in another zone: when one fails, the index is away until the service has made it again. A "
            "collection that exists is replaced",
        )
    network = _part(collection, "network")
    if network.get("public", True) and not network.get("vpc_endpoints"):
        yield Choice(
            name,
            "collection: {generation: nextgen}, without standby_replicas",
            {"collection": {"generation": "nextgen", "standby_replicas": True}},
            "the first request after ten idle minutes takes 10 to 30 seconds, and nobody has yet tried in an account "
            "whether data arrives (docs/collections.md). A collection that exists is replaced",
        )


def _ingestion(name: str, pipeline: Config) -> Iterator[Choice]:
    """https://docs.aws.amazon.com/opensearch-service/latest/developerguide/ingestion-scaling.html"""
    tables = len(pipeline["tables"])
    if tables > 1 and pipeline.get("pipelines", "per-table") == "per-table":
        units = max(pipeline.get("max_units", 4), tables)
        yield Choice(
            name,
            f"pipelines: shared, max_units: {units}",
            {"pipelines": "shared", "max_units": units},
            f"the {tables} tables share {units} units: many changes in one make the others late. The ingestion "
            "pipelines are replaced, and read the tables anew",
        )


def _stream(name: str, pipeline: Config) -> Iterator[Choice]:
    """A shard takes 1 MB or 1,000 records a second, whichever comes first
    (https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html)."""
    stream = _part(pipeline, "stream")
    if stream.get("adopt") or stream.get("shards"):
        return
    usage = FirehoseUsageArgs(**_part(pipeline, "usage"))
    a_second = Decimal(str(usage.monthly_data_ingested_gb)) * 2**30 / (DAYS * 24 * 3600)
    records = a_second / Decimal(str(usage.record_bytes))
    shards = max(1, math.ceil(PEAK * max(a_second / 2**20, records / 1000)))
    yield Choice(
        name,
        f"stream: {{shards: {shards}}}",
        {"stream": {"shards": shards}},
        f"a stream that grows by itself: {shards} MB or {shards},000 records a second are taken, more is throttled "
        "until somebody adds shards",
    )


def _increments(name: str, pipeline: Config) -> Iterator[Choice]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html"""
    sources = pipeline["sources"]
    whole = [each for each in sources if each.get("dynamodb") and each.get("mode", "full") == "full"]
    if whole and pipeline.get("catalog", "registered") == "registered":
        keys = [{**each, "mode": "incremental"} if each in whole else each for each in sources]
        yield Choice(
            name,
            f"mode: incremental, for {' and '.join(each['dynamodb'] for each in whole)}",
            {"sources": keys},
            "each run reads what changed and folds it into the last snapshot, so that a run needs the one before it; "
            "one function rewrites each table, of a few GB at the most (docs/export.md)",
        )


def _time_control(name: str, pipeline: Config) -> Iterator[Choice]:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html"""
    if pipeline.get("time_control", True):
        yield Choice(
            name,
            "time_control: false",
            {"time_control": False},
            "nobody promises 15 minutes, and no event names what took longer",
        )


_OF: dict[str, tuple[Callable[[str, Config], Iterator[Choice]], ...]] = {
    "zero-etl": (_ingestion, _collection),
    "firehose": (_stream, _collection),
    "export": (_increments,),
    "replication": (_time_control,),
}


def _part(config: Config, key: str) -> dict[str, Any]:
    keys = config.get(key)
    return dict(keys) if is_mapping(keys) else {}


def listed(saved: Sequence[Saving]) -> str:
    """The savings as text, each with what to write and what is given up."""
    if not saved:
        return "Nothing of this config costs money for a guarantee that it could be without.\n"
    return "".join(_block(each) for each in saved)


def _block(saving: Saving) -> str:
    choice, month = saving.choice, saving.month
    dollars_a_month = (
        f"{dollars(month, sign=True)} US dollars a month" if month else "needs more than one key"
    )
    lines = [
        f"{choice.pipeline}: {dollars_a_month}",
        f"  write     {choice.write}",
        f"  gives up  {choice.given_up}",
    ]
    return "\n".join([*lines, f"  needs     {saving.needs}"] if saving.needs else lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Prints what a stack could be without. Ends in words where its config is refused."""
    parser = argparse.ArgumentParser(prog="python -m bootstrap.cheaper", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("--json", action="store_true", help="as data")
    options = parser.parse_args(arguments)
    with in_words():
        saved = savings(options.stack, config_of(options.stack))
    print(json.dumps([asdict(each) for each in saved], indent=1) if options.json else listed(saved), end="")


if __name__ == "__main__":
    main()
