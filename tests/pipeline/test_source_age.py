from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import InvalidInput, OutsideTrouble
from pipeline.source_age import require_recent

AS_OF = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_source_within_its_age_passes() -> None:
    require_recent("edges", AS_OF, 24, newest=AS_OF - timedelta(hours=24))
    require_recent("edges", AS_OF, 24, newest=AS_OF + timedelta(hours=1))  # a file written after the as-of
    require_recent("edges", AS_OF, 24, newest=None, not_after=AS_OF - timedelta(hours=23))


def test_a_source_that_stopped_delivering_is_named_with_age_limit_and_remedy() -> None:
    message = (
        r"edges did not deliver: .*2025-12-31T23:00:00\+00:00, 25\.0 hours before .*allows 24\. Ask .*raise the limit"
    )
    with pytest.raises(OutsideTrouble, match=message) as caught:
        require_recent("edges", AS_OF, 24, newest=AS_OF - timedelta(hours=25))
    assert caught.value.exit_code == 75
    with pytest.raises(OutsideTrouble, match=r"nothing new since 2025-12-31T23:00:00\+00:00, 25\.0 hours"):
        require_recent("edges", AS_OF, 24, newest=None, not_after=AS_OF - timedelta(hours=25))


def test_an_age_that_cannot_be_known_is_no_silent_pass() -> None:
    with pytest.raises(InvalidInput, match=r"max_source_age_hours is 24, but edges does not say.*time_column.*null"):
        require_recent("edges", AS_OF, 24, newest=None)
