"""Policy-as-code: documents become frozen tables, tables and events become decisions. Knows no Kafka, file or clock."""
