"""Why a preview failed, in a sentence: what is wrong and what it means, rather than a traceback."""

import re
from collections.abc import Sequence

from delivery import text
from delivery.preview import Preview

LONGEST = 600
# What an error of a preview means, the clearest first; the groups' texts stand in the sentence.
CAUSES: Sequence[tuple[re.Pattern[str], str]] = (
    # components/arguments/report.py: a line for each error of the config
    (
        re.compile(r"the config has \d+ errors?:\n(?P<what>(?:[ \t]+\S.*\n?)+)"),
        "the config is refused: {what}",
    ),
    (
        re.compile(
            r"assum\w* (?:IAM )?role.{0,40}?(?P<role>arn:[\w:/+=,.@-]+:role/[\w+=,.@/-]+)", re.S | re.I
        ),
        "the role {role} can't be assumed: it is not there, or its trust does not let this job in",
    ),
    (
        re.compile(r"AssumeRole.{0,200}?(?P<role>arn:[\w:/+=,.@-]+:role/[\w+=,.@/-]+)", re.S),
        "the role {role} can't be assumed: it is not there, or its trust does not let this job in",
    ),
    (
        re.compile(r"(?:role/(?P<role>[^/\s]+)/\S+ )?is not authorized to perform: (?P<action>[\w:-]+)"),
        "the role {role} lacks a right, {action}: a new source or pipeline needs the policies that "
        "'.venv/bin/python -m bootstrap {stack}' prints now",
    ),
)


def why(preview: Preview) -> str:
    """Why a preview failed."""
    broken = sum(finding.level == "mandatory" for finding in preview.findings)
    others = [
        error for error in preview.errors if "policies refuse this" not in error and "breaks '" not in error
    ]
    if broken and not others:
        return (
            f"{text.counted(broken, 'policy', 'policies')} {'is' if broken == 1 else 'are'} broken, see below"
        )
    for error in preview.errors:
        for pattern, sentence in CAUSES:
            if match := pattern.search(error):
                groups = {key: _joined(value or "") for key, value in match.groupdict().items()}
                return short(sentence.format(stack=preview.stack, **groups))
    for error in preview.errors:
        lines = [line.strip() for line in error.splitlines() if line.strip()]
        if lines:
            return short(lines[-1])
    return "it came to no end; the job's log has what it printed"


def short(sentence: str) -> str:
    """The sentence on one line, cut."""
    sentence = " ".join(sentence.split())
    return sentence if len(sentence) <= LONGEST else sentence[: LONGEST - 1] + "…"


def _joined(lines: str) -> str:
    return "; and ".join(line.strip() for line in lines.splitlines() if line.strip())
