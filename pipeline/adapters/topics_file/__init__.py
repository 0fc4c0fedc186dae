"""Read `topics.yaml`: strict, every error at once with file and line, patterns unfolded into one spec per topic."""

from pipeline.adapters.topics_file.document import LONGEST_DAYS
from pipeline.adapters.topics_file.reading import TopicSet, read_topics

__all__ = ["LONGEST_DAYS", "TopicSet", "read_topics"]
