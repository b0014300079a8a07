"""Every life, by its name."""

from tests.live import copies, databases, lives, pools, readers, replicas, roles, stacks, warehouse
from tests.live.life import Life

LIVES: dict[str, Life] = {
    **{name: Life(run, makes=f"a {name}", replays=name != "queue") for name, run in lives.LIVES.items()},
    **roles.LIVES,
    **replicas.LIVES,
    **databases.LIVES,
    **readers.LIVES,
    **pools.LIVES,
    **warehouse.LIVES,
    **copies.LIVES,
    **stacks.LIVES,
}
