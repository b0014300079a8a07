"""Draws docs/pictures/*.svg: `python -m docs.pictures`.

A picture is a list of accounts (frames), boxes and arrows on a grid of 20 pixels. Each has a panel of its own behind it
and a second set of colors for dark screens, so it is readable on any page.
"""

from html import escape
from pathlib import Path

from docs import comment_picture

STYLE = """
  .panel { fill: #fbfcfe; stroke: #dfe4ec } .frame { fill: #f1f4f9; stroke: #c3ccda }
  .box { fill: #ffffff; stroke: #8a97ab } .source { fill: #e3f0ff; stroke: #3b7dd8 }
  .store { fill: #e4f5ea; stroke: #2f9155 } .act { fill: #fff1dd; stroke: #d08a1e }
  .ask { fill: #f0e8fc; stroke: #8054c7 }
  text { fill: #1d2733; font: 14px -apple-system, "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif }
  .small { font-size: 11.5px; fill: #55627a } .kind { font-size: 12px; font-weight: 600; fill: #2d5fa8 }
  .name { font-weight: 600 } .line { stroke: #66748b; fill: none; stroke-width: 1.6 } .head { fill: #66748b }
  @media (prefers-color-scheme: dark) {
    .panel { fill: #12171f; stroke: #2b3442 } .frame { fill: #181f2a; stroke: #38445a }
    .box { fill: #202938; stroke: #6f7f99 } .source { fill: #16304f; stroke: #5b9bf0 }
    .store { fill: #143524; stroke: #4cba78 } .act { fill: #43300f; stroke: #e3a544 }
    .ask { fill: #2f2150; stroke: #a884ea }
    text { fill: #e8edf5 } .small { fill: #a3b0c5 } .kind { fill: #86b4f5 }
    .line { stroke: #93a1b8 } .head { fill: #93a1b8 }
  }
"""
Box = tuple[int, int, int, str, str, str]  # x, y, width, style, name, what it is


def frame(x: int, y: int, width: int, height: int, name: str) -> str:
    """A dashed frame around boxes, with its name at the top."""
    return (
        f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="10" stroke-dasharray="5 4"/>'
        f'<text class="small" x="{x + 14}" y="{y + 20}">{escape(name)}</text>'
    )


def box(x: int, y: int, width: int, style: str, name: str, what: str = "") -> str:
    """A box with a name and, below it, what it is."""
    middle, line = x + width / 2, 25 if what else 33
    drawn = (
        f'<rect class="{style}" x="{x}" y="{y}" width="{width}" height="54" rx="8" stroke-width="1.4"/>'
        f'<text class="name" x="{middle}" y="{y + line}" text-anchor="middle">{escape(name)}</text>'
    )
    if what:
        drawn += f'<text class="small" x="{middle}" y="{y + 42}" text-anchor="middle">{escape(what)}</text>'
    return drawn


def arrow(
    *points: tuple[int, int], label: str = "", at: tuple[int, int] | None = None, style: str = "small"
) -> str:
    """A line through points with a head at its end; its label at the middle, or at `at`."""
    path = "M" + " L".join(f"{x} {y}" for x, y in points)
    drawn = f'<path class="line" d="{path}" marker-end="url(#head)"/>'
    if label:
        (x, y), (to, _) = points[0], points[-1]
        place = at or ((x + to) // 2, y - 8)
        drawn += (
            f'<text class="{style}" x="{place[0]}" y="{place[1]}" text-anchor="middle">{escape(label)}</text>'
        )
    return drawn


def picture(width: int, height: int, title: str, *parts: str) -> str:
    """The parts as an SVG of a size, which is dark where the reader's screen is."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto-start-reverse"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker></defs>\n'
        f'<rect class="panel" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="12"/>\n{body}\n</svg>\n'
    )


PICTURES = {
    "tributary": picture(
        940, 384, "Five pipelines: DynamoDB, RDS and Kinesis to OpenSearch, Athena, another account and BigQuery",
        frame(20, 20, 596, 344, "account: workload"),
        frame(664, 20, 256, 110, "Google Cloud"),
        frame(664, 154, 256, 210, "account: analytics"),
        box(44, 56, 130, "source", "Kinesis", "stream"),
        box(44, 146, 130, "source", "DynamoDB", "tables"),
        box(44, 236, 130, "source", "RDS", "snapshots"),
        box(446, 56, 150, "ask", "OpenSearch", "Serverless, indexes"),
        box(250, 236, 130, "store", "landing", "S3, encrypted"),
        box(446, 236, 150, "ask", "Glue, Athena", "typed tables, _latest"),
        box(704, 56, 176, "ask", "BigQuery", "tables, _latest"),
        box(704, 190, 176, "store", "landing", "S3, its own key"),
        box(704, 290, 176, "ask", "event bus", "an export is here, whole"),
        arrow((174, 83), (446, 83), label="firehose", style="kind"),
        arrow((174, 163), (521, 163), (521, 110), label="zero-etl", at=(310, 155), style="kind"),
        arrow((174, 184), (212, 184), (212, 252), (250, 252), label="export", at=(246, 228), style="kind"),
        arrow((174, 272), (250, 272)),
        arrow((380, 263), (446, 263)),
        arrow((315, 236), (315, 206), (640, 206), (640, 83), (704, 83), label="bigquery-transfer", at=(478, 198),
              style="kind"),
        arrow((315, 290), (315, 330), (640, 330), (640, 217), (704, 217), label="replication", at=(478, 322),
              style="kind"),
        arrow((792, 190), (792, 110), label="bigquery-transfer", at=(858, 146), style="kind"),
        arrow((792, 244), (792, 290)),
    ),
    "export": picture(
        940, 400, "A schedule starts a state machine, which exports, normalises and publishes each source for Athena",
        frame(20, 16, 900, 368, "one account"),
        box(40, 50, 130, "act", "schedule", "or snapshot event"),
        arrow((170, 77), (220, 77)),
        '<rect class="frame" x="220" y="40" width="680" height="78" rx="8"/>',
        '<text class="kind" x="234" y="56">state machine: every source side by side, each fails alone</text>',
        *(
            f'<text class="small" x="{x}" y="86" text-anchor="middle">{name}</text>'
            for x, name in ((265, "start"), (345, "wait"), (440, "normalise"), (545, "reconcile"), (645, "[fold]"),
                            (735, "publish"), (845, "report"))
        ),
        *(
            arrow((x, 82), (to, 82))
            for x, to in ((285, 325), (363, 405), (475, 512), (580, 622), (670, 705), (765, 818))
        ),
        arrow((265, 94), (265, 130), (105, 130), (105, 160)),
        arrow((105, 130), (30, 130), (30, 277), (40, 277)),
        box(40, 160, 130, "source", "DynamoDB", "point-in-time backup"),
        box(40, 250, 130, "source", "RDS", "a snapshot"),
        frame(220, 140, 460, 176, "landing: one bucket, encrypted"),
        box(236, 170, 130, "store", "raw/", "exports, manifests"),
        arrow((170, 187), (236, 187), label="export", at=(203, 180)),
        arrow((170, 277), (300, 277), (300, 224), label="Parquet", at=(203, 270)),
        arrow((366, 197), (532, 197), label="md5, counts, types", at=(449, 190)),
        box(532, 170, 130, "store", "lake/", "Parquet by date"),
        arrow((440, 96), (440, 178)),
        box(400, 250, 130, "box", "state/", "what is published"),
        arrow((645, 94), (645, 126), (620, 126), (620, 170)),
        arrow((735, 94), (735, 160)),
        box(710, 160, 180, "ask", "Glue", "table by date, …_latest"),
        arrow((662, 187), (710, 187)),
        arrow((830, 214), (830, 250)),
        box(770, 250, 130, "ask", "Athena", "workgroup, limits"),
        arrow((880, 94), (908, 94), (908, 350), (890, 350)),
        box(710, 323, 180, "box", "alarm topic", "failed, stale, unstarted"),
        *(
            f'<text class="small" x="40" y="{y}">{line}</text>'
            for y, line in ((350, "catalog: crawler: a crawler makes the tables of lake/ on its own schedule"),
                            (368, "run: simple: a function starts exports of DynamoDB tables, and no more"))
        ),
    ),
    "replication": picture(
        940, 250, "S3 replicates a bucket into another account, where an arrival becomes an event",
        frame(20, 16, 300, 218, "the landing's account"),
        frame(372, 16, 548, 218, "the receiving account"),
        box(40, 60, 120, "store", "landing", "versioned"),
        box(180, 60, 120, "act", "role, rules", "one a prefix"),
        arrow((160, 87), (180, 87)),
        arrow((300, 87), (392, 87), label="S3"),
        box(392, 60, 120, "store", "replica", "own key"),
        arrow((512, 87), (542, 87)),
        box(542, 60, 100, "box", "queue", "arrivals"),
        arrow((642, 87), (672, 87)),
        box(672, 60, 110, "act", "arrival", "checks manifests"),
        arrow((782, 87), (812, 87)),
        box(812, 60, 92, "ask", "event bus", "once"),
        arrow((240, 114), (240, 154)),
        box(170, 154, 140, "box", "queue", "failed replications"),
        arrow((592, 114), (592, 154)),
        box(522, 154, 140, "box", "dead letters", "given up: alarm"),
    ),
    "zero-etl": picture(
        940, 230, "OpenSearch Ingestion loads a table's export, then its stream, into a collection",
        frame(20, 16, 900, 196, "one account"),
        box(40, 90, 120, "source", "DynamoDB", "table, stream"),
        arrow((100, 90), (100, 66), (300, 66), label="first: export", at=(200, 58)),
        box(300, 40, 120, "store", "bucket", "export/<table>/"),
        arrow((420, 66), (530, 66), (530, 90)),
        arrow((160, 117), (456, 117), label="then: changes", at=(310, 110)),
        box(456, 90, 160, "act", "ingestion pipeline", "one a table"),
        arrow((616, 117), (710, 117), label="id, version", at=(660, 110)),
        box(710, 90, 190, "ask", "collection", "one index a table"),
        arrow((500, 144), (500, 176), (420, 176), label="rejected", at=(460, 168)),
        box(300, 149, 120, "box", "bucket", "dead-letters/…"),
        arrow((570, 144), (570, 176), (710, 176)),
        box(710, 152, 190, "box", "alarm topic", "refused, dead, late"),
    ),
    "firehose": picture(
        940, 266,
        "Firehose reads a stream, has its records transformed, and writes an index; what fails is kept and replayed",
        frame(20, 16, 900, 234, "one account"),
        box(40, 62, 120, "source", "Kinesis", "stream"),
        arrow((160, 89), (240, 89), label="records"),
        box(240, 62, 150, "act", "Firehose", "gathers, retries"),
        arrow((390, 89), (540, 89), label="documents"),
        box(540, 62, 170, "ask", "collection", "one index, mapped"),
        arrow((710, 89), (770, 89), label="reads"),
        box(770, 62, 130, "box", "Dashboards", "role or user"),
        arrow((290, 116), (290, 160), label="each batch", at=(250, 142)),
        box(200, 160, 130, "act", "transform", "parses, drops"),
        arrow((360, 116), (360, 187), (420, 187), label="failed", at=(391, 178)),
        box(420, 160, 150, "store", "backup bucket", "with the reason"),
        arrow((570, 187), (640, 187)),
        box(640, 160, 120, "act", "replay", "each once"),
        arrow((700, 214), (700, 238), (100, 238), (100, 116), label="on the stream again", at=(400, 232)),
        box(790, 160, 110, "box", "alarm topic", "late, kept"),
    ),
    "bigquery-transfer": picture(
        940, 318, "A transfer reads a landing by a user's key, or what a role let be copied, into tables and views",
        frame(20, 16, 360, 286, "the landing's account"),
        frame(432, 16, 488, 286, "Google Cloud"),
        box(40, 54, 140, "store", "landing", "exports, lake"),
        box(220, 54, 140, "act", "user, key", "reads this only"),
        arrow((180, 81), (220, 81)),
        arrow((360, 81), (452, 81), label="files", at=(406, 72)),
        box(452, 54, 130, "act", "transfer", "one a table"),
        arrow((582, 81), (622, 81)),
        box(622, 54, 130, "store", "table", "a partition a day"),
        arrow((752, 81), (792, 81)),
        box(792, 54, 112, "ask", "view", "…_latest"),
        arrow((180, 92), (200, 92), (200, 169), (220, 169)),
        box(220, 142, 140, "act", "or: role, no key", "Google's agent alone"),
        arrow((360, 169), (452, 169), label="copies", at=(406, 160)),
        box(452, 142, 130, "store", "bucket", "Cloud Storage"),
        arrow((517, 142), (517, 108)),
        arrow((110, 108), (110, 226)),
        box(40, 226, 140, "box", "function", "has it come, whole?"),
        arrow((180, 253), (220, 253)),
        box(220, 226, 140, "box", "alarm topic", "failed, short, over"),
        arrow((110, 280), (110, 290), (687, 290), (687, 108), label="runs, rows", at=(560, 284)),
    ),
}  # fmt: skip
PICTURES["comment"] = comment_picture.picture("dev-renamed-table")

if __name__ == "__main__":
    for name, drawn in PICTURES.items():
        (Path(__file__).resolve().parent / "pictures" / f"{name}.svg").write_text(drawn)
