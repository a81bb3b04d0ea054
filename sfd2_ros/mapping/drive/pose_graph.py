# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Poses of keyframes from relative poses and positions alone: brings a drive near, and finds out wrong loops.

Wrong loops are found by graduated non-convexity: the loss of the loops is convex at first and becomes a truncated
square step by step, so that what most measurements agree with decides.

Source: Yang, Antonante, Tzoumas, Carlone, "Graduated Non-Convexity for Robust Spatial Perception", RA-L 2020, with the
truncated least squares of section IV.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import spsolve
from scipy.spatial.transform import Rotation

from sfd2_ros.core.transforms import rigid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sfd2_ros.mapping.drive.adjustment import PositionPrior
    from sfd2_ros.mapping.drive.odometry import RelativePose

    Poses = Sequence[NDArray[np.float64]]

_ROUNDS = 40
"""Of Levenberg-Marquardt: near a solution five are enough. Not tuned."""
_SMALLEST_STEP = 1e-6
"""Relative decrease of the cost at which it has converged."""
_BOUND_SIGMAS = 4.0
"""A loop or a position that misses by more, in standard deviations (root of the sum of squares), is wrong. Six normal
residuals exceed it once in 80; nothing is lost by losing a right loop of many. Not tuned."""
_GROWTH = 1.4
"""Of the control parameter each round, as in the paper."""


@dataclass(frozen=True, eq=False)
class Solved:
    """A pose graph that is solved.

    Attributes:
        poses: map_from_base (4, 4).
        loop_weights: (L,) 1 for loops that agree with the rest, 0 for wrong ones.
        position_weights: (P,) likewise.
    """

    poses: list[NDArray[np.float64]]
    loop_weights: NDArray[np.float64]
    position_weights: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Graph:
    """The measurements as arrays."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    rotation: Rotation
    translation: NDArray[np.float64]
    sigma: NDArray[np.float64]
    fixed: NDArray[np.int64]
    fixed_position: NDArray[np.float64]
    fixed_whitening: NDArray[np.float64]


def solve_pose_graph(
    start: Poses, steps: Sequence[RelativePose], loops: Sequence[RelativePose], positions: Sequence[PositionPrior] = ()
) -> Solved:
    """Find the poses that agree best with relative poses and positions.

    Args:
        start: (4, 4) poses to start from; without positions the first one stays.
        steps: relative poses that are trusted.
        loops: relative poses that may be wrong.
        positions: that may be wrong; at least the frame of `start` must be theirs.
    """
    graph = _graph([*steps, *loops], positions)
    count = len(steps)
    state = Rotation.from_matrix([pose[:3, :3] for pose in start]), np.array([pose[:3, 3] for pose in start])
    weights = np.ones(count + len(loops) + len(positions))
    doubtful = np.arange(len(weights)) >= count
    state = _descend(state, graph, weights)
    squares = _squares(state, graph)
    control = _first_control(squares[doubtful])
    while control is not None:
        weights[doubtful] = _truncated_weights(squares[doubtful], control)
        state = _descend(state, graph, weights)
        squares = _squares(state, graph)
        control *= _GROWTH
        between = (weights[doubtful] > 0.01) & (weights[doubtful] < 0.99)
        if not between.any():
            break
    poses = [rigid(rotation, position) for rotation, position in zip(state[0].as_matrix(), state[1], strict=True)]
    return Solved(poses, np.round(weights[count : count + len(loops)]), np.round(weights[count + len(loops) :]))


def _first_control(squares: NDArray[np.float64]) -> float | None:
    """Return the control parameter at which the loss is convex; None when every residual is small already."""
    largest = float(np.max(squares, initial=0.0))
    if largest <= _BOUND_SIGMAS**2:
        return None
    return _BOUND_SIGMAS**2 / (2 * largest - _BOUND_SIGMAS**2)


def _truncated_weights(squares: NDArray[np.float64], control: float) -> NDArray[np.float64]:
    """Return the weights of the surrogate of truncated least squares, equation 14 of the paper."""
    bound = _BOUND_SIGMAS**2
    between = np.sqrt(bound * control * (control + 1) / np.maximum(squares, 1e-12)) - control
    weights = np.where(squares <= control / (control + 1) * bound, 1.0, between)
    return np.where(squares >= (control + 1) / control * bound, 0.0, np.clip(weights, 0.0, 1.0))


def _graph(relative: Sequence[RelativePose], positions: Sequence[PositionPrior]) -> _Graph:
    whitening = [np.linalg.cholesky(np.linalg.inv(prior.covariance_m2)).T for prior in positions]
    return _Graph(
        first=np.array([one.first for one in relative], np.int64),
        second=np.array([one.second for one in relative], np.int64),
        rotation=Rotation.from_matrix([one.first_from_second[:3, :3] for one in relative]),
        translation=np.array([one.first_from_second[:3, 3] for one in relative]),
        sigma=np.array([[one.sigma_m] * 3 + [one.sigma_rad] * 3 for one in relative]),
        fixed=np.array([prior.keyframe for prior in positions], np.int64),
        fixed_position=np.array([prior.position_m for prior in positions]).reshape(-1, 3),
        fixed_whitening=np.array(whitening).reshape(-1, 3, 3),
    )


_State = tuple[Rotation, "NDArray[np.float64]"]


def _residuals(state: _State, graph: _Graph) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return whitened residuals of relative poses (E, 6), position first, and of positions (P, 3)."""
    rotations, places = state
    back = rotations[graph.first].inv()
    moved = back.apply(places[graph.second] - places[graph.first]) - graph.translation
    turned = (graph.rotation.inv() * back * rotations[graph.second]).as_rotvec()
    relative = np.hstack([moved, turned]) / graph.sigma
    fixed = np.einsum("pij,pj->pi", graph.fixed_whitening, places[graph.fixed] - graph.fixed_position)
    return relative, fixed


def _squares(state: _State, graph: _Graph) -> NDArray[np.float64]:
    relative, fixed = _residuals(state, graph)
    return np.concatenate([np.sum(relative**2, axis=1), np.sum(fixed**2, axis=1)])


def _descend(state: _State, graph: _Graph, weights: NDArray[np.float64]) -> _State:
    """Return the poses after Levenberg-Marquardt steps on weighted squares."""
    damping, cost = 1e-6, float(weights @ _squares(state, graph))
    for _ in range(_ROUNDS):
        jacobian, residual = _linearised(state, graph, weights)
        normal = (jacobian.T @ jacobian).tocsc()
        pull = jacobian.T @ residual
        while damping < 1e8:
            move = -spsolve(normal + damping * diags_array(normal.diagonal() + 1e-9, format="csc"), pull)
            moved = _moved(state, move.reshape(-1, 6))
            after = float(weights @ _squares(moved, graph))
            if after <= cost:
                break
            damping *= 10
        else:
            return state
        state, damping = moved, max(damping / 10, 1e-9)
        if cost - after <= _SMALLEST_STEP * max(cost, 1e-12):
            break
        cost = after
    return state


def _moved(state: _State, move: NDArray[np.float64]) -> _State:
    rotations, places = state
    return rotations * Rotation.from_rotvec(move[:, 3:]), places + rotations.apply(move[:, :3])


def _linearised(state: _State, graph: _Graph, weights: NDArray[np.float64]) -> tuple[csr_array, NDArray[np.float64]]:
    """Return the weighted Jacobian by (position, rotation) of each pose in its own frame, and the residuals."""
    rotations, places = state
    relative, fixed = _residuals(state, graph)
    roots = np.sqrt(weights)
    of_edges, of_fixed = roots[: len(relative), None], roots[len(relative) :, None]
    back = rotations[graph.first].inv()
    offset = back.apply(places[graph.second] - places[graph.first])
    first_from_second = (back * rotations[graph.second]).as_matrix()
    by_first, by_second = np.zeros((2, len(relative), 6, 6))
    by_first[:, :3, :3] = -np.eye(3)
    by_first[:, :3, 3:] = _skews(offset)
    by_first[:, 3:, 3:] = -first_from_second.transpose(0, 2, 1)
    by_second[:, :3, :3] = first_from_second
    by_second[:, 3:, 3:] = np.eye(3)
    scale = (of_edges / graph.sigma)[:, :, None]
    by_place = of_fixed[:, :, None] * graph.fixed_whitening @ rotations[graph.fixed].as_matrix() if len(fixed) else None
    blocks = [(by_first * scale, graph.first, 0), (by_second * scale, graph.second, 0)]
    if by_place is not None:
        blocks.append((by_place, graph.fixed, 6 * len(relative)))
    jacobian = _sparse(blocks, 6 * len(relative) + 3 * len(fixed), 6 * len(places))
    if not len(fixed):
        jacobian = _without_first(jacobian)
    return jacobian, np.concatenate([(relative * of_edges).ravel(), (fixed * of_fixed).ravel()])


def _sparse(blocks: Sequence[tuple[NDArray[np.float64], NDArray[np.int64], int]], height: int, width: int) -> csr_array:
    """Return a matrix of blocks: of each a stack (N, H, W), which pose it belongs to, and its first row."""
    values, rows, columns = [], [], []
    for stack, poses, first_row in blocks:
        count, high, wide = stack.shape
        values.append(stack.ravel())
        row = first_row + np.arange(count)[:, None, None] * high + np.arange(high)[None, :, None]
        rows.append(np.broadcast_to(row, stack.shape).ravel())
        columns.append(np.broadcast_to(6 * poses[:, None, None] + np.arange(wide), stack.shape).ravel())
    return csr_array((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(height, width))


def _without_first(jacobian: csr_array) -> csr_array:
    """Return a Jacobian in which the first pose does not move."""
    keeps = np.ones(jacobian.shape[1])
    keeps[:6] = 0.0
    return (jacobian @ diags_array(keeps)).tocsr()


def _skews(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (N, 3, 3) matrices whose product with w is the vector x w."""
    skews = np.zeros((len(vectors), 3, 3))
    x, y, z = vectors.T
    skews[:, 0, 1], skews[:, 0, 2], skews[:, 1, 0] = -z, y, z
    skews[:, 1, 2], skews[:, 2, 0], skews[:, 2, 1] = -x, -y, x
    return skews
