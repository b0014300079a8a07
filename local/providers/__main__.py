"""`python -m local.providers aws|gcp`: one provider process, started by the engine."""

import sys

from .servicer import serve

if sys.argv[1] == "aws":
    from .aws import Aws
    from .aws_types import INVOKES, ROWS

    serve(Aws(ROWS, INVOKES))
else:
    from .gcp import Gcp

    serve(Gcp())
