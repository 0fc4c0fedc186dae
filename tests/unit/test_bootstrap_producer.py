"""Making a producer: a wrong argument is told before anything is connected."""

import pytest

from pipeline.bootstrap.producer import connect
from pipeline.domain.errors import ConfigurationError


def test_an_unknown_backend_is_told_with_the_choices() -> None:
    with pytest.raises(ConfigurationError, match="no backend 'nope'; choose confluent or kafka-python"):
        connect(backend="nope")  # type: ignore[arg-type] # what a caller without a type checker may write
