"""READ: a source CRM; ends at a Kafka topic."""
