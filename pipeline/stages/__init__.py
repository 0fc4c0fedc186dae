"""Pure functions over records: what a lane does between consuming and producing. No Kafka, no file, no clock."""
