"""The keys of what a run's steps hand to each other (run_steps.py), as the state machine and its functions name them.
Pure.
"""


def keys(shape: type) -> tuple[str, ...]:
    """The keys that always are in an event or a state of this class, in its order."""
    required: frozenset[str] = vars(shape)["__required_keys__"]
    return tuple(key for key in shape.__annotations__ if key in required)


def path(shape: type, key: str) -> str:
    """The path of a field of the state. Raises KeyError where the class has none of that name."""
    if key not in shape.__annotations__:
        raise KeyError(f"{shape.__name__} has no {key}")
    return f"$.{key}"
