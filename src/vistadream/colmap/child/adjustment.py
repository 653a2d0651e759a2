"""Bundle adjustment, and the removal of observations that do not fit."""

from __future__ import annotations

from collections.abc import Sequence

import pycolmap

_CAUCHY_PX = 0.25
"""Errors well above this count little in the bundle adjustment."""
MOST_ERROR_PX = 2.0
GOOD_PX = 1.0
"""Observations with a larger error are dropped once the cameras were adjusted to their pictures."""
_LEAST_ANGLE_DEG = 1.5


def adjust(model: pycolmap.Reconstruction, constant_cameras: Sequence[int] = ()) -> None:
    """Bundle adjustment of everything, in which wrong matches count little.

    COLMAP's own minimizes squares, whose few large errors pull the focal length away.
    """
    loss = {"loss_function_type": pycolmap.LossFunctionType.CAUCHY, "loss_function_scale": _CAUCHY_PX}
    options = pycolmap.BundleAdjustmentOptions(
        print_summary=False, ceres={**loss, "solver_options": {"num_threads": 1}}
    )
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in model.reg_image_ids():
        config.add_image(image_id)
    for camera_id in constant_cameras:
        config.set_constant_cam_intrinsics(camera_id)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    pycolmap.create_default_bundle_adjuster(options, config, model).solve()
    model.update_point_3d_errors()


def drop_outliers(model: pycolmap.Reconstruction, most_error_px: float) -> None:
    """Removes observations that miss their points, and points at which the rays nearly run side by side."""
    pycolmap.ObservationManager(model).filter_all_points3D(most_error_px, _LEAST_ANGLE_DEG)
    model.update_point_3d_errors()
