"""The one place that joins adapters to what uses them."""
