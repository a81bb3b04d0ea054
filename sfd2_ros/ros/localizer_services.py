# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The services of localizer_node: another map, and a search of the whole map, under our names and those of AMCL."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.task import Future
from std_srvs.srv import Empty

from sfd2_ros.core.errors import Sfd2Error
from sfd2_ros.ros import native
from sfd2_ros.srv import LoadMap, Relocalize

if TYPE_CHECKING:
    from collections.abc import Callable

    from geometry_msgs.msg import PoseWithCovarianceStamped
    from rclpy.node import Node

SEARCHING = "searching the whole map from the next image on"


class LocalizerServices:
    """Makes the services, and answers them by two calls.

    Args:
        node: to make them with.
        load: loads a map on a thread of its own and returns what was loaded; an Sfd2Error is why it was rejected.
        loaded: called with the path on the executor's thread when a map was loaded.
        relocalize: forgets the robot, with a hint or without; an Sfd2Error is why that was rejected.
    """

    def __init__(
        self,
        node: Node,
        load: Callable[[str], str],
        loaded: Callable[[str], None],
        relocalize: Callable[[PoseWithCovarianceStamped | None], None],
    ) -> None:
        self._node, self._load, self._loaded, self._relocalize = node, load, loaded, relocalize
        # A group of its own: the other callbacks go on while a map is loaded, and two maps are loaded in turn.
        group = MutuallyExclusiveCallbackGroup()
        node.create_service(LoadMap, "~/load_map", self._on_load_map, callback_group=group)
        node.create_service(Relocalize, "~/relocalize", self._on_relocalize)
        node.create_service(Empty, "reinitialize_global_localization", self._on_reinitialize)
        if native.has("nav2_msgs"):
            kind = importlib.import_module("nav2_msgs.srv").SetInitialPose
            node.create_service(kind, "set_initial_pose", self._on_set_initial_pose)

    async def _on_load_map(self, request: LoadMap.Request, response: LoadMap.Response) -> LoadMap.Response:
        future = Future(executor=self._node.executor)
        future.add_done_callback(lambda _future: None)  # which wakes the executor
        threading.Thread(target=self._load_into, args=(future, request.path), name="load_map", daemon=True).start()
        response.success, response.message = await future
        if response.success:
            self._loaded(request.path)
        else:
            self._node.get_logger().error(f"map kept as it is: {response.message}")
        return response

    def _load_into(self, future: Future, path: str) -> None:
        """Load a map and set the future to success and message."""
        try:
            future.set_result((True, self._load(path)))
        except Sfd2Error as err:
            future.set_result((False, str(err)))
        except Exception as err:  # noqa: BLE001  whatever a damaged file does, the node keeps its map
            future.set_result((False, f"{type(err).__name__}: {err}"))

    def _on_relocalize(self, request: Relocalize.Request, response: Relocalize.Response) -> Relocalize.Response:
        response.message = self._try_to_relocalize(request.hint[0] if request.hint else None)
        response.success = response.message == SEARCHING
        return response

    def _on_reinitialize(self, request: Empty.Request, response: Empty.Response) -> Empty.Response:
        del request
        self._try_to_relocalize(None)
        return response

    def _on_set_initial_pose(self, request: Any, response: Any) -> Any:
        self._try_to_relocalize(request.pose)
        return response

    def _try_to_relocalize(self, hint: PoseWithCovarianceStamped | None) -> str:
        """Return what happens now, or why nothing does."""
        try:
            self._relocalize(hint)
        except Sfd2Error as err:
            self._node.get_logger().warning(f"relocalization rejected: {err}")
            return str(err)
        return SEARCHING
