"""Collected only where TRIBUTARY_LIVE is `yes`: these tests make things in the account of whoever runs them."""

import os

collect_ignore_glob = [] if os.environ.get("TRIBUTARY_LIVE") == "yes" else ["test_*.py"]
