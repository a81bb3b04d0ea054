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

NAN = float("nan")
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
_LEAST_FOCAL = 0.05  # of the longer side of an image: a pinhole sees 169 degrees then


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
        if max(self.fx, self.fy) < _LEAST_FOCAL * max(self.width, self.height):
            raise CameraError(
                f"focal lengths {self.fx!r}, {self.fy!r} of a {self.width}x{self.height} image: pixels are needed"
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
    """Outcome of a localization: localized, or the reason of the rejection."""

    LOCALIZED = "localized"
    NO_FEATURES = "no_features"
    NO_CANDIDATES = "no_candidates"
    FEW_MATCHES = "few_matches"
    NO_POSE = "no_pose"
    FEW_INLIERS = "few_inliers"
    LOW_DISTINCT_RATIO = "low_distinct_ratio"
    CHANCE_AGREEMENT = "chance_agreement"
    AMBIGUOUS_PLACE = "ambiguous_place"
    POOR_SPREAD = "poor_spread"
    UNCERTAIN_POSE = "uncertain_pose"
    WRONG_WEIGHTS = "wrong_weights"
    WRONG_IMAGE_SIZE = "wrong_image_size"
    WRONG_FOCAL_LENGTH = "wrong_focal_length"
    WRONG_PRINCIPAL_POINT = "wrong_principal_point"
    MIRRORED_IMAGE = "mirrored_image"
    NO_CAMERA_INFO = "no_camera_info"
    BAD_IMAGE = "bad_image"
    NO_TRANSFORM = "no_transform"
    STALE_STAMP = "stale_stamp"
    IMPLAUSIBLE_JUMP = "implausible_jump"


@dataclass(frozen=True)
class GateValue:
    """One acceptance test of a frame, as measured.

    Attributes:
        name: of the gate; see `localization.gates.GATES`.
        status: of a frame that fails it.
        value: measured; NaN where the frame ended before, or where there is nothing to measure.
        limit: from the settings.
        unit: of both.
        at_least: True: the value must be at least the limit; False: at most.
    """

    name: str
    status: Status
    value: float
    limit: float
    unit: str
    at_least: bool

    @property
    def is_passed(self) -> bool:
        """Whether the value keeps the limit; a value that was not measured does."""
        return bool(np.isnan(self.value) or (self.value >= self.limit if self.at_least else self.value <= self.limit))


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything measured of a frame, whether it is localized or rejected. NaN: not measured.

    Attributes:
        num_keypoints: keypoints of all cameras.
        most_keypoints: keypoints of the camera that has most.
        num_matches: 2D-3D matches found without a known pose: of the best place, or near the predicted projections.
            False alarms are counted on them.
        num_guided: matches found again near the pose (guided matching); 0 where the frame ended before.
        num_inliers: matches that agree with the pose: guided ones, or of `num_matches` where there are no guided ones.
        reprojection_error_px: root mean square over the inliers.
        spread: fraction of image cells (8x8 grid) that hold an inlier, in [0, 1].
        log10_false_alarms: expected number of equally good poses among random matches, as a power of ten; the lower,
            the surer.
        mean_log_likelihood_ratio: of the matches near the pose, of right against random, natural logarithm per match.
        focal_error: relative error of the focal length that the matches prove; 0 where they prove none.
        centre_error: error of the principal point that the matches prove, as a fraction of the focal length.
        rival_share: support of the strongest other place that is not chance, as a fraction of the best one's.
        distinct_share: fraction of the distinct matches that agree with the pose.
        mirror_share: support of the image mirrored left to right, as a fraction of the inliers.
        position_std_m: standard deviation along the worst axis, metres; NaN in a map of arbitrary scale.
        rotation_std_rad: standard deviation about the worst axis, radians.
        hint_deviations: distance from the hint along its worst axis, in standard deviations.
        jump: squared Mahalanobis distance of the pose from the predicted one.
        method: "tracked", "verified" or "searched"; empty outside of tracking.
        candidates: names of the map images that were tried, best first.
        inlier_keypoints: (num_inliers,) int64, indices into the query's features.
        inlier_landmarks: (num_inliers,) int64, indices into the map's landmarks.
        seconds: durations of the steps by name.
        gates: value and limit of every gate.
    """

    num_keypoints: int = 0
    most_keypoints: int = 0
    num_matches: int = 0
    num_guided: int = 0
    num_inliers: int = 0
    reprojection_error_px: float = NAN
    spread: float = NAN
    log10_false_alarms: float = NAN
    mean_log_likelihood_ratio: float = NAN
    focal_error: float = NAN
    centre_error: float = NAN
    rival_share: float = NAN
    distinct_share: float = NAN
    mirror_share: float = NAN
    position_std_m: float = NAN
    rotation_std_rad: float = NAN
    hint_deviations: float = NAN
    jump: float = NAN
    method: str = ""
    candidates: tuple[str, ...] = ()
    inlier_keypoints: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    inlier_landmarks: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    seconds: dict[str, float] = field(default_factory=dict)
    gates: tuple[GateValue, ...] = ()

    @property
    def num_offered(self) -> int:
        """Matches among which the inliers are counted."""
        return self.num_guided or self.num_matches

    @property
    def is_matched(self) -> bool:
        """Whether the frame came as far as matching."""
        return "match" in self.seconds


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
