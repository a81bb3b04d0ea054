# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One optimisation of the robot's poses and the landmarks: images, odometry, GNSS and gravity together.

COLMAP builds the problem of the images and has the cost functions; Ceres solves it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pycolmap
import pycolmap.cost_functions as costs

from sfd2_ros.core.errors import DependencyError
from sfd2_ros.core.transforms import inverse, rigid
from sfd2_ros.geometry.colmap_types import rigid3d_from_matrix
from sfd2_ros.mapping.drive.level import levelled
from sfd2_ros.mapping.drive.odometry import covariance
from sfd2_ros.mapping.drive.rig_model import poses_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.drive.odometry import RelativePose

_FREE_SIGMA_RAD, _FREE_SIGMA_M = 10.0, 1e5
"""Of what a prior does not measure: the turn about the vertical, the position."""
_ROBUST_SIGMAS = 2.0
"""Where Cauchy's loss begins to weaken a residual, standard deviations. Not tuned."""
_START_SIGMA_M, _START_SIGMA_RAD = 1e-3, 1e-4
"""Of the keyframe that ties the map to its frame where GNSS does not."""
_MAX_ITERATIONS = 60
"""From poses that are near, ten to twenty are needed. Not tuned."""


@dataclass(frozen=True, eq=False)
class PositionPrior:
    """A measured position of the robot at a keyframe.

    Attributes:
        keyframe: index.
        position_m: (3,) in the map.
        covariance_m2: (3, 3).
    """

    keyframe: int
    position_m: NDArray[np.float64]
    covariance_m2: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Factors:
    """What is measured beside the images.

    Attributes:
        steps: relative poses of odometry.
        up: (K, 3) direction upwards in the robot's frame at each keyframe, by gravity.
        up_sigma_rad: its standard deviation.
        positions: by GNSS.
        start: (4, 4) pose of the first keyframe in the map, where GNSS does not tie the map to a frame; else None.
    """

    steps: Sequence[RelativePose]
    up: NDArray[np.float64]
    up_sigma_rad: float
    positions: Sequence[PositionPrior]
    start: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Adjusted:
    """An optimisation that has ended.

    Attributes:
        problem: pyceres.Problem.
        adjuster: of pycolmap, which owns what the problem refers to.
        blocks: the unknowns of each keyframe's pose.
        is_converged: whether it came to an end.
    """

    problem: Any
    adjuster: Any
    blocks: list[NDArray[np.float64]]
    is_converged: bool


def ceres() -> Any:
    """Return the module pyceres.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        return importlib.import_module("pyceres")
    except ImportError as err:
        raise DependencyError(
            f"the poses of a drive are optimised with pyceres, which cannot be imported ({err}); install it with "
            "`pip install 'pyceres>=2.6,<3'`, or keep the given poses with --trust-poses"
        ) from err


def adjust(model: Any, factors: Factors, *, pixel_sigma_px: float) -> Adjusted:
    """Optimise poses and landmarks in place.

    Args:
        model: from `rig_model.rig_model`.
        factors: what else is measured.
        pixel_sigma_px: standard deviation of keypoints, pixels.

    Raises:
        DependencyError: pyceres is not installed.
    """
    solver = ceres()
    adjuster = pycolmap.create_default_ceres_bundle_adjuster(*_image_problem(model, pixel_sigma_px), model)
    problem = adjuster.problem
    blocks = [model.frame(number + 1).rig_from_world.params for number in range(model.num_frames())]
    seen = [block for block in blocks if problem.has_parameter_block(block)]
    loss = solver.CauchyLoss(_ROBUST_SIGMAS * pixel_sigma_px)
    # COLMAP's residuals of images are in pixels: all others are in standard deviations times this one.
    unit = 1 / pixel_sigma_px**2
    for step in factors.steps:
        measured = rigid3d_from_matrix(step.first_from_second)
        cost = costs.RelativePosePriorCost(unit * covariance(step), measured)
        problem.add_residual_block(cost, loss, [blocks[step.first], blocks[step.second]])
    for prior in factors.positions:
        cost = costs.AbsolutePosePositionPriorCost(unit * prior.covariance_m2, prior.position_m)
        problem.add_residual_block(cost, loss, [blocks[prior.keyframe]])
    for block, pose, up in zip(blocks, poses_of(model), factors.up, strict=True):
        problem.add_residual_block(_level_cost(pose, up, factors.up_sigma_rad, unit), loss, [block])
    if factors.start is not None:
        tied = np.diag([_START_SIGMA_RAD**2] * 3 + [_START_SIGMA_M**2] * 3)
        tied[:3, :3] = _about(factors.up[0], _START_SIGMA_RAD, _FREE_SIGMA_RAD)
        cost = costs.AbsolutePosePriorCost(unit * tied, rigid3d_from_matrix(inverse(factors.start)))
        problem.add_residual_block(cost, None, [blocks[0]])
    # Keyframes that see no landmark have come with these: their quaternions need the manifold too.
    for block in blocks if seen else ():
        if not problem.has_manifold(block):
            problem.set_manifold(block, problem.get_manifold(seen[0]))
    return Adjusted(problem, adjuster, blocks, _solve(solver, problem))


def _image_problem(model: Any, pixel_sigma_px: float) -> tuple[Any, Any]:
    options = pycolmap.BundleAdjustmentOptions()
    options.refine_focal_length = options.refine_extra_params = options.refine_principal_point = False
    options.refine_sensor_from_rig = options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = _ROBUST_SIGMAS * pixel_sigma_px
    config = pycolmap.BundleAdjustmentConfig()
    for image_id in model.reg_image_ids():
        config.add_image(image_id)
    return options, config


def _solve(solver: Any, problem: Any) -> bool:
    options = solver.SolverOptions()
    options.linear_solver_type = solver.LinearSolverType.SPARSE_SCHUR
    options.max_num_iterations = _MAX_ITERATIONS
    options.function_tolerance = 1e-6
    options.num_threads = -1
    options.minimizer_progress_to_stdout = False
    summary = solver.SolverSummary()
    solver.solve(options, problem, summary)
    return bool(summary.termination_type == solver.TerminationType.CONVERGENCE)


def _level_cost(map_from_base: NDArray[np.float64], up: NDArray[np.float64], sigma_rad: float, unit: float) -> Any:
    """Return the cost of roll and pitch alone: the pose as it is, made level, is measured but about the vertical."""
    measured = rigid(levelled(map_from_base[:3, :3], up), map_from_base[:3, 3])
    loose = np.diag([0.0] * 3 + [_FREE_SIGMA_M**2] * 3)
    loose[:3, :3] = _about(up, _FREE_SIGMA_RAD, sigma_rad)
    return costs.AbsolutePosePriorCost(unit * loose, rigid3d_from_matrix(inverse(measured)))


def _about(axis: NDArray[np.float64], sigma_rad: float, sigma_across_rad: float) -> NDArray[np.float64]:
    """Return the (3, 3) covariance of a rotation that is measured differently about an axis and across it."""
    along = np.outer(axis, axis)
    about: NDArray[np.float64] = sigma_rad**2 * along + sigma_across_rad**2 * (np.eye(3) - along)
    return about
