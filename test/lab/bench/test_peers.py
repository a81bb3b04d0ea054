# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sfd2_lab.bench.colmap_peer import ColmapSiftPeer
from sfd2_lab.bench.methods import METHODS, MethodOptions, make_methods
from sfd2_lab.bench.opencv_peers import OrbPeer, SiftPeer, signs_of_bits
from sfd2_lab.bench.peer import strongest_features
from sfd2_ros.core.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sfd2_lab.bench.peer import Peer

BLACK = np.zeros((64, 96, 3), np.uint8)


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    generator = np.random.default_rng(3)
    drawn = np.full((120, 161, 3), 90, np.uint8)
    for _ in range(60):
        x, y, size = (int(value) for value in generator.integers([0, 0, 4], [150, 110, 20]))
        colour = [int(value) for value in generator.integers(0, 255, 3)]
        cv2.rectangle(drawn, (x, y), (x + size, y + size // 2 + 3), colour, -1)
    return cv2.GaussianBlur(drawn, (0, 0), 0.7)


@pytest.fixture(scope="module")
def kornia() -> Any:
    return pytest.importorskip("kornia.feature", reason="kornia needs Python 3.11: no ALIKED, DISK and XFeat")


def check_features(peer: Peer, picture: NDArray[np.uint8], budget: int) -> None:
    """See that features are what every part of the bench takes for granted."""
    found = peer(picture)
    assert 20 < len(found) <= budget
    assert found.image_size == picture.shape[:2]
    assert np.allclose(np.linalg.norm(found.descriptors, axis=1), 1, atol=1e-4)
    assert np.all(np.diff(found.scores) <= 0)
    assert np.all((found.keypoints >= 0) & (found.keypoints <= [picture.shape[1] - 1, picture.shape[0] - 1]))
    assert found.weights_id == peer.weights_id
    assert len(peer(BLACK)) <= budget
    again = peer(picture)
    assert np.array_equal(again.keypoints, found.keypoints)
    assert np.array_equal(again.descriptors, found.descriptors)


@pytest.mark.parametrize("name", ["sfd2", "sift", "sift-colmap", "orb"])
def test_method_without_other_weights_gives_features_within_the_budget(name: str, picture: NDArray[np.uint8]) -> None:
    peer = make_methods([name], MethodOptions(max_keypoints=60)).ready[name]
    check_features(peer, picture, 60)
    assert peer.bytes_per_keypoint == {"sfd2": 256, "sift": 128, "sift-colmap": 128, "orb": 32}[name]


def test_aliked_of_published_weights_gives_features_within_the_budget(
    shared_dir: Path, kornia: Any, picture: NDArray[np.uint8]
) -> None:
    peer = make_methods(["aliked"], MethodOptions(max_keypoints=60, peer_weights=shared_dir / "weights")).ready[
        "aliked"
    ]
    check_features(peer, picture, 60)
    assert peer.bytes_per_keypoint == 256
    network = kornia.ALIKED("aliked-n16", max_num_keypoints=60, detection_threshold=0.0).eval()
    network.load_state_dict(torch.load(shared_dir / "weights" / "aliked-n16.pth", weights_only=True), strict=False)
    with torch.no_grad():
        expected = network(torch.from_numpy(picture.copy()).permute(2, 0, 1)[None] / 255)[0]
    order = expected.keypoint_scores.argsort(descending=True, stable=True)
    assert np.allclose(peer(picture).keypoints, expected.keypoints[order].numpy(), atol=1e-3)
    assert np.allclose(peer(picture).descriptors, expected.descriptors[order].numpy(), atol=1e-4)


@pytest.mark.parametrize("name", ["aliked", "disk", "xfeat"])
def test_network_of_kornia_is_loaded_whole_from_either_container(
    name: str, kornia: Any, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    torch.manual_seed(1)
    network = {"aliked": kornia.ALIKED, "disk": kornia.DISK, "xfeat": kornia.XFeat}[name]()
    state = (network.net if name == "xfeat" else network).state_dict()
    state.pop("dkd.hw_grid", None)
    torch.save({"extractor": state}, tmp_path / f"{name}.pth")
    save_file({entry: tensor.contiguous() for entry, tensor in state.items()}, tmp_path / f"{name}.safetensors")
    kept = [
        make_methods([name], MethodOptions(max_keypoints=40, weights_of={name: tmp_path / f"{name}.{kind}"})).ready[
            name
        ]
        for kind in ("pth", "safetensors")
    ]
    first, second = (peer(picture) for peer in kept)
    assert np.array_equal(first.keypoints, second.keypoints)
    assert np.array_equal(first.descriptors, second.descriptors)
    assert kept[0].bytes_per_keypoint == {"aliked": 256, "disk": 256, "xfeat": 128}[name]
    assert len(first) <= 40


def test_weights_that_lack_an_entry_or_are_not_finite_are_refused(kornia: Any, tmp_path: Path) -> None:
    state = kornia.DISK().state_dict()
    name, tensor = next(iter(state.items()))
    for problem, entries in (
        (f"missing {name}", {key: value for key, value in state.items() if key != name}),
        ("unknown extra", {**state, "extra": torch.zeros(1)}),
        (f"{name} not finite", {**state, name: torch.full_like(tensor, float("nan"))}),
        (f"{name} of shape", {**state, name: torch.zeros(3, 1)}),
    ):
        torch.save(entries, tmp_path / "disk.pth")
        with pytest.raises(WeightsError, match=problem):
            make_methods(["disk"], MethodOptions(weights_of={"disk": tmp_path / "disk.pth"}))


def test_damaged_hostile_and_foreign_weights_are_refused(shared_dir: Path, kornia: Any, tmp_path: Path) -> None:
    whole = (shared_dir / "weights" / "aliked-n16.pth").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no weights at all"):
        (tmp_path / "aliked.pth").write_bytes(content)
        with pytest.raises(WeightsError, match=r"aliked\.pth"):
            make_methods(["aliked"], MethodOptions(peer_weights=tmp_path))
    torch.save({"weights": Path("/")}, tmp_path / "aliked.pth")
    with pytest.raises(WeightsError, match="executing code"):
        make_methods(["aliked"], MethodOptions(peer_weights=tmp_path))
    start = shared_dir / "weights" / "sfd2_start.safetensors"
    with pytest.raises(WeightsError, match="none of aliked"):
        make_methods(["aliked"], MethodOptions(weights_of={"aliked": start}))


def test_method_without_weights_says_what_to_do_and_the_others_run(tmp_path: Path) -> None:
    made = make_methods(list(METHODS), MethodOptions(max_keypoints=10, peer_weights=tmp_path))
    assert list(made.ready) == ["sfd2", "sift", "sift-colmap", "orb"]
    assert list(made.missing) == ["aliked", "disk", "superpoint", "xfeat"]
    for name in ("aliked", "disk", "superpoint", "xfeat"):
        assert f"--weights-of {name}=FILE" in made.missing[name]


@pytest.mark.parametrize(("name", "library"), [("aliked", "kornia"), ("superpoint", "transformers")])
def test_missing_library_is_said_and_how_to_get_it(
    name: str, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def without(wanted: str, *rest: Any) -> Any:
        if wanted.partition(".")[0] == library:
            raise ImportError(wanted)
        return real(wanted, *rest)

    monkeypatch.setattr("sfd2_lab.bench.peer_weights.importlib.import_module", without)
    made = make_methods([name], MethodOptions(weights_of={name: tmp_path}))
    assert f"needs the library {library}" in made.missing[name]
    assert "pip install" in made.missing[name]


def test_weights_that_are_named_must_exist_and_be_unambiguous(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights of disk at"):
        make_methods(["disk"], MethodOptions(weights_of={"disk": tmp_path / "none.pth"}))
    with pytest.raises(WeightsError, match="is no folder"):
        make_methods(["disk"], MethodOptions(peer_weights=tmp_path / "none"))
    for name in ("disk-depth.pth", "disk-epipolar.pth"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(WeightsError, match=r"several weights of disk \(disk-depth.pth, disk-epipolar.pth\)"):
        make_methods(["disk"], MethodOptions(peer_weights=tmp_path))


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        ([], {}, "no method"),
        (["surf"], {}, "unknown method 'surf'"),
        (["orb", "orb"], {}, "twice"),
        (["orb"], {"max_keypoints": 0}, "at least 1"),
        (["orb"], {"weights_of": {"surf": Path("x")}}, "unknown method 'surf'"),
        (["orb"], {"weights_of": {"orb": Path("x")}}, "takes no --weights-of"),
    ],
)
def test_wrong_use_is_refused(names: list[str], options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make_methods(names, MethodOptions(**options))


def test_cosine_of_orb_orders_as_hamming_distance_does() -> None:
    packed = np.random.default_rng(5).integers(0, 256, (40, 32)).astype(np.uint8)
    signs = signs_of_bits(packed)
    hamming = np.array([[int(np.unpackbits(a ^ b).sum()) for b in packed] for a in packed])
    cosine = (signs / np.linalg.norm(signs, axis=1, keepdims=True)) @ signs.T / 16
    assert np.allclose(cosine, 1 - hamming / 128, atol=1e-5)


def test_peers_without_networks_find_nothing_in_black() -> None:
    peers: tuple[Peer, ...] = (SiftPeer(50), ColmapSiftPeer(50), OrbPeer(50))
    for peer in peers:
        found = peer(BLACK)
        assert len(found) == 0
        assert found.descriptors.shape[1] in (128, 256)


@pytest.mark.parametrize("make", [SiftPeer, ColmapSiftPeer])
def test_sift_places_a_blob_where_it_is(make: Callable[[int], Peer]) -> None:
    y, x = np.mgrid[:81, :101]
    blob = 255 * np.exp(-((x - 50.0) ** 2 + (y - 40.0) ** 2) / (2 * 3.0**2))
    found = make(5)(np.repeat(blob.astype(np.uint8)[..., None], 3, axis=2))
    assert len(found) >= 1
    # OpenCV before 4.8 places all keypoints a quarter of a pixel off.
    assert np.abs(found.keypoints[0] - [50.0, 40.0]).max() < 0.3


def test_keypoints_without_a_usable_descriptor_are_dropped_and_the_strongest_kept() -> None:
    keypoints = np.arange(10, dtype=np.float64).reshape(5, 2)
    descriptors = np.array([[3.0, 4.0], [0.0, 0.0], [np.nan, 1.0], [1.0, 0.0], [0.0, 2.0]])
    scores = np.array([0.1, 9.0, 8.0, 0.5, 0.9])
    found = strongest_features(keypoints, scores, descriptors, image=BLACK, maximum=2, weights_id="x")
    assert found.keypoints.tolist() == [[8.0, 9.0], [6.0, 7.0]]
    assert found.descriptors.tolist() == [[0.0, 1.0], [1.0, 0.0]]
    assert found.stability.tolist() == [1.0, 1.0]
