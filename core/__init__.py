"""Settings, errors, topics, records, the envelope and Kafka client options, shared by all packages."""
