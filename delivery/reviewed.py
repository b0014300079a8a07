"""Whether a deployment would do what was reviewed, and what differs.

A saved plan holds a provider's settings too, and a review previews under another role than a deployment: so the plan
that is carried out is made by the role that deploys, and is compared with what the pull request showed, resource by
resource. `pulumi up --plan` then does what that plan has and stops at anything else.
"""

from collections.abc import Iterator

from delivery import text
from delivery.preview import Change, Preview

DOES = {"create": "creates", "update": "changes", "replace": "replaces", "delete": "deletes"}


def differences(reviewed: Preview, now: Preview) -> list[str]:
    """What differs, a sentence each; none where the deployment does what was reviewed."""
    return list(_differences(reviewed, now))


def _differences(reviewed: Preview, now: Preview) -> Iterator[str]:
    before, after = ({change.urn: change for change in preview.changes} for preview in (reviewed, now))
    for urn in sorted({*before, *after}):
        old, new = before.get(urn), after.get(urn)
        if old is None and new is not None:
            yield f"it {DOES[new.kind]} {_resource(new)}, which was not shown"
        elif new is None and old is not None:
            yield f"it no longer {DOES[old.kind]} {_resource(old)}"
        elif old is not None and new is not None:
            if old.kind != new.kind:
                yield f"it {DOES[new.kind]} {_resource(new)}; shown was that it {DOES[old.kind]} it"
            elif old.properties != new.properties:
                yield f"it sets {_resource(new)} to other values: {_properties(old, new)}"


def _resource(change: Change) -> str:
    return f"{change.name} ({change.short_type})"


def _properties(old: Change, new: Change) -> str:
    shown, now = ({changed.path: changed.after for changed in change.properties} for change in (old, new))
    paths = sorted(path for path in {*shown, *now} if shown.get(path) != now.get(path))
    paths = paths or [changed.path for changed in new.properties]
    return ", ".join(
        f"{path} {text.value(now.get(path))}, shown was {text.value(shown.get(path))}" for path in paths
    )
