"""privacy-pipeline: stream workers that keep what a privacy notice promises."""

__version__ = "0.1.0"
