"""Fixtures for every test."""

import pytest

pytest_plugins = ["pipeline.testing.pytest_plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that writes approved outputs anew."""
    parser.addoption("--approve", action="store_true", help="write golden outputs anew; review their diff")
