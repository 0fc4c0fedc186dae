"""The demonstration: real invoices become events of five controllers, and what came out becomes a report.

Pure but for reading the sample that ships beside it: no clock, no Kafka, no randomness but digests of a seed.
"""

from pipeline.demo.observed import Arrival, Emission
from pipeline.demo.report import Report, build_report
from pipeline.demo.story import demo_events

__all__ = ["Arrival", "Emission", "Report", "build_report", "demo_events"]
