"""WRITE: confluent-kafka workers and the destination adapters."""
