"""Every reply of a model kept in a file, and rankings made again from it without the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.replay.record import Recorded as Recorded
    from rankkit.replay.record import RecordedJudge as RecordedJudge
    from rankkit.replay.record import Recorder as Recorder
    from rankkit.replay.record import read_record as read_record
    from rankkit.replay.window_log import WindowLogJudge as WindowLogJudge
    from rankkit.replay.window_log import is_window_log as is_window_log
    from rankkit.replay.window_log import read_window_log as read_window_log
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Recorded": "rankkit.replay.record",
            "RecordedJudge": "rankkit.replay.record",
            "Recorder": "rankkit.replay.record",
            "WindowLogJudge": "rankkit.replay.window_log",
            "is_window_log": "rankkit.replay.window_log",
            "read_record": "rankkit.replay.record",
            "read_window_log": "rankkit.replay.window_log",
        },
    )
