"""What the ports stand on: Kafka, RocksDB, memory, the clock, files, the worker. Adapters know no other adapter."""
