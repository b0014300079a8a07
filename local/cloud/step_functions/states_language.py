"""Whether Step Functions would take a definition, as `statelint` sees it: a validator of the Amazon States Language
that nobody here wrote (https://pypi.org/project/statelint/, after https://states-language.net/spec.html).

`complaints(definition)` is empty where it would. Pure: nothing of the embedded cloud is imported.
"""

from __future__ import annotations

import json
import re

from statelint.linter import Linter  # pyright: ignore[reportMissingTypeStubs] - has none

from local.plain import is_object

# What statelint 3.1.0 does not know of yet, each with the service's page. Anything else that it says counts.
TOO_NEW = {
    r'Field "Label" not allowed in \S.*': "a Distributed Map's name in its children's ARNs: "
    "https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html",
    r'Field "InputType" not allowed in \S.*\.ReaderConfig': "the form of a data set, JSONL among others: "
    "https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html",
}


def complaints(definition: str) -> list[str]:
    """What is wrong with a definition, a sentence each."""
    try:
        parsed = json.loads(definition)
    except ValueError as error:
        return [f"Invalid JSON: {error}"]
    if not is_object(parsed):
        return ["Expected a JSON object"]
    return [
        complaint
        for complaint in Linter.validate(parsed)
        if not any(re.fullmatch(known, complaint) for known in TOO_NEW)
    ]
