# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Values that pass between the layers: frozen, checked when made.

Keypoints are (x, y) in pixels with the centre of the top-left pixel at (0, 0), as in OpenCV and ROS. Poses are
(4, 4) float64 matrices `a_from_b` in metres; the camera frame is optical (z forward, x right, y down).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sfd2_ros.core.errors import CameraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

DISTORTION_COEFFICIENTS = {
    "none": (0,),
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "equidistant": (4,),
    "thin_prism_fisheye": (8,),
    "rad_tan_thin_prism_fisheye": (12,),
    "fov": (1,),
    "eucm": (2,),
    "division": (1,),
}
"""The first four are ROS's; the others are COLMAP's, with its parameters behind focal lengths and centre."""


@dataclass(frozen=True, eq=False)
class Features:
    """Local features of one image.

    Attributes:
        keypoints: (N, 2) float32, x and y in pixels of the image as given to the extractor.
        scores: (N,) float32, detection probability times stability, descending.
        stability: (N,) float32 in [0, 1], how lasting the thing is that the keypoint lies on.
        descriptors: (N, D) float32, of length one.
        image_size: (h, w) in pixels.
        weights_id: identity of the weights that made them; a map made with others refuses these.

    Raises:
        ValueError: a shape, a type or a length differs, or a value is not finite.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    stability: NDArray[np.float32]
    descriptors: NDArray[np.float32]
    image_size: tuple[int, int]
    weights_id: str

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        _check_array("keypoints", self.keypoints, (count, 2), np.float32)
        _check_array("scores", self.scores, (count,), np.float32)
        _check_array("stability", self.stability, (count,), np.float32)
        _check_array("descriptors", self.descriptors, (count, *self.descriptors.shape[-1:]), np.float32)
        if len(self.image_size) != 2 or min(self.image_size) < 1:
            raise ValueError(f"image_size is {self.image_size!r}; (h, w), both positive, is needed")

    def __len__(self) -> int:
        return len(self.keypoints)


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one camera in ROS terms.

    Attributes:
        width: image width in pixels.
        height: image height in pixels.
        fx: focal length in pixels.
        fy: focal length in pixels.
        cx: principal point in pixels, the centre of the top-left pixel at 0 (COLMAP has 0.5 there).
        cy: principal point in pixels, likewise.
        distortion_model: "none", "plumb_bob", "rational_polynomial" or "equidistant" (sensor_msgs/CameraInfo), or a
            model of COLMAP; see `DISTORTION_COEFFICIENTS`.
        distortion: coefficients in the order of that model (OpenCV's or COLMAP's).

    Raises:
        CameraError: a size or focal length that is not positive, or coefficients that do not fit the model.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion_model: str = "none"
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise CameraError(f"camera size {self.width}x{self.height}: width and height must be positive")
        if not np.all(np.isfinite([self.fx, self.fy, self.cx, self.cy, *self.distortion])):
            raise CameraError(f"camera {self!r} has intrinsics that are not finite; calibrate the camera")
        if self.fx <= 0 or self.fy <= 0:
            raise CameraError(
                f"camera focal lengths fx={self.fx!r}, fy={self.fy!r} must be positive; is the camera calibrated?"
            )
        allowed = DISTORTION_COEFFICIENTS.get(self.distortion_model)
        if allowed is None:
            models = ", ".join(DISTORTION_COEFFICIENTS)
            raise CameraError(f"distortion model {self.distortion_model!r} is not supported; allowed: {models}")
        if len(self.distortion) not in allowed:
            counts = " or ".join(map(str, allowed))
            raise CameraError(
                f"distortion model {self.distortion_model!r} takes {counts} coefficients, got {len(self.distortion)}"
            )

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The (3, 3) matrix K, pixels."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, eq=False)
class Matches:
    """Correspondences between query keypoints and something matched against them.

    Attributes:
        query: (M,) int64, indices of query features.
        target: (M,) int64, indices of what was matched: features of another image, or landmarks.
        similarity: (M,) float32, cosine of the two descriptors.

    Raises:
        ValueError: a shape, a type or a length differs, or a value is not finite.
    """

    query: NDArray[np.int64]
    target: NDArray[np.int64]
    similarity: NDArray[np.float32]

    def __post_init__(self) -> None:
        count = len(self.query)
        _check_array("query", self.query, (count,), np.int64)
        _check_array("target", self.target, (count,), np.int64)
        _check_array("similarity", self.similarity, (count,), np.float32)

    def __len__(self) -> int:
        return len(self.query)


class Status(enum.Enum):
    """What became of a localization: accepted, or refused for which reason."""

    LOCALIZED = "localized"
    NO_FEATURES = "no_features"
    NO_CANDIDATES = "no_candidates"
    FEW_MATCHES = "few_matches"
    NO_POSE = "no_pose"
    FEW_INLIERS = "few_inliers"
    LOW_INLIER_RATIO = "low_inlier_ratio"
    CHANCE_AGREEMENT = "chance_agreement"
    AMBIGUOUS_PLACE = "ambiguous_place"
    POOR_SPREAD = "poor_spread"
    UNCERTAIN_POSE = "uncertain_pose"
    WRONG_WEIGHTS = "wrong_weights"
    WRONG_IMAGE_SIZE = "wrong_image_size"
    WRONG_FOCAL_LENGTH = "wrong_focal_length"
    WRONG_PRINCIPAL_POINT = "wrong_principal_point"
    NO_CAMERA_INFO = "no_camera_info"
    BAD_IMAGE = "bad_image"
    NO_TRANSFORM = "no_transform"
    STALE_STAMP = "stale_stamp"
    IMPLAUSIBLE_JUMP = "implausible_jump"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for an estimate, or what was missing.

    Attributes:
        num_keypoints: keypoints in the query.
        num_matches: 2D-3D matches offered to the pose solver.
        num_inliers: matches that agree with the pose.
        reprojection_error_px: root mean square over the inliers; NaN without a pose.
        spread: share of image cells (8x8 grid) that hold an inlier, in [0, 1].
        log10_false_alarms: expected number of poses as good as this among random matches, as a power of ten; the
            lower, the surer; NaN without a pose.
        candidates: names of the map images that were tried, best first.
        inlier_keypoints: (num_inliers,) int64, indices into the query's features.
        inlier_landmarks: (num_inliers,) int64, indices into the map's landmarks.
        seconds: durations of the steps by name.
        agreement: how much nearer to their projections matches lie than chance would put them, as the mean logarithm
            of a match's likelihood ratio; NaN without a pose.
    """

    num_keypoints: int = 0
    num_matches: int = 0
    num_inliers: int = 0
    reprojection_error_px: float = float("nan")
    spread: float = 0.0
    log10_false_alarms: float = float("nan")
    candidates: tuple[str, ...] = ()
    inlier_keypoints: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    inlier_landmarks: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    seconds: dict[str, float] = field(default_factory=dict)
    agreement: float = float("nan")


@dataclass(frozen=True, eq=False)
class PoseEstimate:
    """The answer to "where was this camera?": a measured pose, or a reason why there is none.

    Attributes:
        status: LOCALIZED, or why the pose is refused.
        reason: one sentence with the numbers behind the status.
        map_from_cam: (4, 4) pose of the camera in the map; None unless status is LOCALIZED.
        covariance: (6, 6) of that pose, order (x, y, z, rotX, rotY, rotZ), metres and radians, about the axes of
            the map (see `transforms.move_covariance`); None unless status is LOCALIZED.
        evidence: what speaks for it.

    Raises:
        ValueError: a pose without LOCALIZED or LOCALIZED without one, or a shape or type that differs.
    """

    status: Status
    reason: str
    map_from_cam: NDArray[np.float64] | None
    covariance: NDArray[np.float64] | None
    evidence: Evidence

    def __post_init__(self) -> None:
        measured = self.map_from_cam is not None and self.covariance is not None
        if measured != (self.status is Status.LOCALIZED):
            raise ValueError(
                f"status {self.status.value!r} must come with a pose and covariance if and only if localized"
            )
        if self.map_from_cam is not None:
            _check_array("map_from_cam", self.map_from_cam, (4, 4), np.float64)
        if self.covariance is not None:
            _check_array("covariance", self.covariance, (6, 6), np.float64)

    @property
    def is_localized(self) -> bool:
        """Whether a pose was measured and accepted."""
        return self.status is Status.LOCALIZED


def _check_array(name: str, array: NDArray[np.generic], shape: tuple[int, ...], dtype: type[np.generic]) -> None:
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    if array.dtype != dtype:
        raise ValueError(f"{name} is of type {array.dtype}, expected {np.dtype(dtype)}")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} holds values that are not finite")


@dataclass(frozen=True, eq=False)
class PosedImage:
    """An image of a model.

    Attributes:
        name: path below the folder of images, with forward slashes.
        camera: its intrinsics.
        cam_from_world: (4, 4) float64, metres.
    """

    name: str
    camera: Camera
    cam_from_world: NDArray[np.float64]
