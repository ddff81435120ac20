"""Scores as probabilities of relevance: maps fitted on judged data, kept in files, held to the model they are of.

::

    calibrating   judged data through a reranker: fit, measure on held-out queries      measures    ECE and the like
    kept          a calibration as a value and a file                                   applying    a reranker with it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rankkit.core.lazy import lazily

if TYPE_CHECKING:
    from rankkit.calibration.applying import calibrated as calibrated
    from rankkit.calibration.calibrating import CalibrationReport as CalibrationReport
    from rankkit.calibration.calibrating import calibrate as calibrate
    from rankkit.calibration.calibrating import measure as measure
    from rankkit.calibration.kept import Calibration as Calibration
    from rankkit.calibration.kept import read_calibration as read_calibration
    from rankkit.calibration.kept import write_calibration as write_calibration
    from rankkit.calibration.measures import CalibrationFigures as CalibrationFigures
    from rankkit.calibration.measures import PrecisionPoint as PrecisionPoint
    from rankkit.calibration.measures import figures_of as figures_of
else:
    __getattr__, __dir__, __all__ = lazily(
        __name__,
        {
            "Calibration": "rankkit.calibration.kept",
            "CalibrationFigures": "rankkit.calibration.measures",
            "CalibrationReport": "rankkit.calibration.calibrating",
            "PrecisionPoint": "rankkit.calibration.measures",
            "calibrate": "rankkit.calibration.calibrating",
            "calibrated": "rankkit.calibration.applying",
            "figures_of": "rankkit.calibration.measures",
            "measure": "rankkit.calibration.calibrating",
            "read_calibration": "rankkit.calibration.kept",
            "write_calibration": "rankkit.calibration.kept",
        },
    )
