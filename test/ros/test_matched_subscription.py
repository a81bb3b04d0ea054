# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.usefixtures("ros")]


def test_subscription_is_reliable_only_where_every_publisher_is() -> None:
    from sfd2_ros.ros.matched_subscription import Publisher, reliability_for

    sure, unsure = Publisher("/a", "reliable"), Publisher("/b", "best_effort")
    assert reliability_for([sure, sure]) == "reliable"
    assert reliability_for([sure, unsure]) == "best_effort"
    assert reliability_for([unsure]) == "best_effort"
    assert reliability_for([]) is None


def test_publishers_are_described_with_their_reliability_and_what_is_not_heard() -> None:
    from sfd2_ros.ros.matched_subscription import Publisher, describe_publishers

    sure, unsure = Publisher("/front/driver", "reliable"), Publisher("/rear", "best_effort")
    assert describe_publishers([], "reliable") == "it has no publisher"
    assert describe_publishers([sure], "reliable") == "it has 1 publisher: /front/driver (reliable)"
    assert "2 publishers: /front/driver (reliable), /rear (best_effort)" in describe_publishers([sure, unsure], "x")
    assert "does not hear best_effort" in describe_publishers([unsure], "reliable")
    assert "does not hear" not in describe_publishers([unsure], "best_effort")
    assert "may lose large images" in describe_publishers([sure], "best_effort")
    assert "may lose" not in describe_publishers([sure, unsure], "best_effort")
    assert describe_publishers([sure] * 9, "reliable").endswith("/front/driver (reliable), ...")
