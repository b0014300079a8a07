"""`python -m local.providers aws|gcp`: one provider process, started by the engine."""

import sys

from local.garbage import collect_seldom

from .servicer import serve

collect_seldom()

if sys.argv[1] == "aws":
    from .aws import Aws
    from .aws_types import INVOKES, ROWS

    serve(Aws(ROWS, INVOKES))
else:
    from .gcp import Gcp

    serve(Gcp())
