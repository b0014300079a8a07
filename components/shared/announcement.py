"""What a replica's account announces of each export that has arrived whole, on its event bus. Pure."""

SOURCE = "tributary.arrival"
DETAIL_TYPE = "Export Arrived"
