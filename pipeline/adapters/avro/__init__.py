"""Avro, the one wire format: schemas, framing, codec, the slice engine and its oracle, CloudEvents at the edge."""
