"""How long a plan takes: from a few calls of local models, and of no server."""

from __future__ import annotations

from rankkit.config import load
from rankkit.planning.calibration import calibrated_plan, sample_request
from tests.tiny import tiny_cross_encoder


def test_a_plan_has_seconds_only_where_a_model_here_was_timed(tmp_path):
    folder = str(tiny_cross_encoder(tmp_path / "tiny", max_length=128))
    served = {"endpoint": "http://127.0.0.1:1/v1", "model": "m", "method": "generate"}
    cascade = load({"stages": [{"model": folder}, served]})
    request = sample_request(12)
    assert cascade.plan(request).usage.seconds == 0
    first, second = calibrated_plan(cascade, request).stages
    assert first.usage.seconds > 0 and second.usage.seconds == 0
    assert first.usage.calls == cascade.plan(request).stages[0].usage.calls
