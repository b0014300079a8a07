"""How seldom Python's garbage collector runs in a program with the models and SDKs of whole clouds.

Its first generation is gone through after 700 new objects, and the two others are long where all that is loaded stays:
one model of botocore's is a hundred thousand objects. That is a tenth of the processor time of `make up`, and frees
nothing: what goes by itself needs no collector.
Source: https://docs.python.org/3/library/gc.html#gc.set_threshold
"""

import gc

NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """Has the collector run after so many new objects, and leave alone what has been loaded already."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
