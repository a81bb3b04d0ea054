# Copyright 2026 The sfd2_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What both nodes share: a lifecycle, settings from parameters, one worker, and an end without a traceback."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import rclpy
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import SetParametersResult
from rclpy._rclpy_pybind11 import RCLError
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos_overriding_options import InvalidQosOverridesError

from sfd2_ros.core.errors import ConfigError, Sfd2Error
from sfd2_ros.ros import native
from sfd2_ros.ros.bond import Bond
from sfd2_ros.ros.parameters import changed, declare, parameter_name, refuse_late_changes
from sfd2_ros.ros.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class ManagedNode(LifecycleNode):  # type: ignore[misc]  # rclpy has no types everywhere
    """A lifecycle node that loads in configure, subscribes in activate, and lets go of all in deactivate and cleanup.

    Args:
        name: of the node.
        settings: settings dataclass by parameter prefix; "" is the node's own and has `autostart`.
        ignored: settings of another node in the same process; see `parameters.declare`.
        changeable: patterns of the parameters that may be changed at any time; `use_settings` is called then.

    Raises:
        ConfigError: a parameter is unknown, has the wrong type or is out of range.
    """

    def __init__(
        self,
        name: str,
        settings: Mapping[str, type[Any]],
        ignored: Mapping[str, type[Any]] | None = None,
        changeable: Sequence[str] = (),
    ) -> None:
        try:
            super().__init__(name, automatically_declare_parameters_from_overrides=True)
        except ValueError as err:
            raise ConfigError(f"a parameter has no value: {err}; an empty list is none to ROS, leave it out") from err
        try:
            self.settings = declare(self, settings, ignored, changeable)
        except Sfd2Error:
            self.destroy_node()
            raise
        self._changeable = tuple(changeable)
        self._is_configured = self._is_adopting = False
        self._bond = Bond(self) if native.has("bond") else None
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._on_change_state, service.callback)
        self.add_on_set_parameters_callback(self._on_parameters)

    def use_settings(self) -> None:
        """Take on `self.settings`, which have changed, from the next frame on."""

    def create_publisher(self, *arguments: Any, **options: Any) -> Any:
        """Make a publisher as rclpy does; wrong QoS overrides are a ConfigError."""
        return _made(super().create_publisher, *arguments, **options)

    def create_subscription(self, *arguments: Any, **options: Any) -> Any:
        """Make a subscription as rclpy does; wrong QoS overrides are a ConfigError."""
        return _made(super().create_subscription, *arguments, **options)

    def load(self) -> None:
        """Load what is heavy and make publishers. Sfd2Error: the node stays unconfigured."""

    def start(self) -> None:
        """Start the worker and subscribe, in this order."""

    def stop(self) -> None:
        """Unsubscribe and stop the worker. Called more than once."""

    def unload(self) -> None:
        """Let go of what `load` made. Called more than once."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; rclpy would swallow an error, so it is logged here."""
        reached = self._guarded("configured", self.load, lambda: super(ManagedNode, self).on_configure(state))
        self._is_configured = reached == TransitionCallbackReturn.SUCCESS
        return reached

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe, and publish the heartbeat that Nav2's lifecycle manager waits for."""
        reached = self._guarded("active", self.start, lambda: super(ManagedNode, self).on_activate(state))
        if self._bond is not None and reached == TransitionCallbackReturn.SUCCESS:
            self._bond.start()
        return reached

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe."""
        self._end_bond()
        return self._guarded("inactive", self.stop, lambda: super(ManagedNode, self).on_deactivate(state))

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Let go of everything; all parameters but those of the start may be changed again."""
        self._is_configured = False
        return self._guarded("cleaned up", self.unload, lambda: super(ManagedNode, self).on_cleanup(state))

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop, whatever the state, and let go of everything."""
        self._end_bond()
        self.stop()
        return self._guarded("shut down", self.unload, lambda: super(ManagedNode, self).on_shutdown(state))

    def _end_bond(self) -> None:
        if self._bond is not None:
            self._bond.stop()

    def autostart(self) -> bool:
        """Configure and activate when the settings say so; return whether the node is as they want it."""
        if not self.settings[""].autostart:
            return True
        succeeded = TransitionCallbackReturn.SUCCESS
        return bool(self.trigger_configure() == succeeded and self.trigger_activate() == succeeded)

    def report_failure(self, err: Exception) -> None:
        """Log what a frame failed on; silent once the process is ending."""
        if self.context.ok():
            self.get_logger().error(f"frame lost: {type(err).__name__}: {err}", throttle_duration_sec=5.0)

    def adopt(self, name: str, value: Any) -> None:
        """Let a parameter follow what the node has done, though a user could not change it now."""
        self._is_adopting = True
        try:
            self.set_parameters([Parameter(name, value=value)])
        finally:
            self._is_adopting = False

    def _on_change_state(
        self, inherited: Callable[..., ChangeState.Response], request: ChangeState.Request, response: Any
    ) -> ChangeState.Response:
        """Refuse a transition that the state does not have; rclpy would end the node (ros2/rclpy#1209)."""
        try:
            return inherited(request, response)
        except RCLError as err:
            if not self.context.ok():  # a signal came meanwhile; nothing can be announced any more
                raise ExternalShutdownException from err
            self.get_logger().warning(f"transition {request.transition.id} refused: {err}")
            response.success = False
            return response

    def _on_parameters(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Take on changed parameters, all of them or none."""
        ours = {parameter_name(prefix, name) for prefix, each in self.settings.items() for name in vars(each)}
        given = {each.name: each.value for each in parameters if each.name in ours}
        try:
            settings = changed(self.settings, given)
            is_fixed = self._is_configured and not self._is_adopting
            refuse_late_changes(self.settings, settings, self._changeable, is_configured=is_fixed)
        except ConfigError as err:
            self.get_logger().warning(f"parameters kept as they are: {err}")
            return SetParametersResult(successful=False, reason=str(err))
        self.settings = settings
        if given:
            self.use_settings()
            self.get_logger().info(f"parameters changed: {given}")
        return SetParametersResult(successful=True)

    def _guarded(
        self, reached: str, act: Callable[[], None], inherited: Callable[[], TransitionCallbackReturn]
    ) -> TransitionCallbackReturn:
        try:
            act()
        except Exception as err:  # noqa: BLE001  rclpy would swallow it without a word
            said = str(err) if isinstance(err, Sfd2Error) else f"{type(err).__name__}: {err}"
            self.get_logger().error(f"cannot become {reached}: {said}")
            self.stop()
            self.unload()
            return TransitionCallbackReturn.FAILURE
        if not self.context.ok():  # a signal came meanwhile; nothing can be announced any more
            return TransitionCallbackReturn.FAILURE
        self.get_logger().info(reached)
        return inherited()


def _made(make: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """Make a publisher or a subscription."""
    try:
        return make(*arguments, **options)
    except (InvalidQosOverridesError, RuntimeError) as err:
        if "QoS override" not in str(err):
            raise
        raise ConfigError(f"qos_overrides of topic {arguments[1]!r}: {err}") from err


def run_nodes(make_nodes: Sequence[Callable[[], ManagedNode]], arguments: list[str] | None = None) -> int:
    """Run nodes in one executor until SIGINT, SIGTERM or shutdown.

    Args:
        make_nodes: make the nodes, once rclpy runs.
        arguments: command line; None for that of the process.

    Returns:
        Exit code: 0 after a signal, 2 for wrong parameters, 1 for what cannot be loaded.
    """
    # rclpy ends the context on these signals and then calls Python's handler, which would raise KeyboardInterrupt at
    # an arbitrary line.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)
    try:
        rclpy.init(args=arguments)
    except RCLError as err:
        sys.stderr.write(f"error: the ROS arguments cannot be used: {' '.join(str(err).split())}\n")
        return 2
    watchdog = Watchdog(rclpy.ok)
    nodes: list[ManagedNode] = []
    try:
        return _spin(make_nodes, nodes)
    except Sfd2Error as err:
        sys.stderr.write(f"error: {err}\n")
        return 2
    except Exception:
        # Once a signal has ended the context, each call of rclpy fails in its own way.
        if rclpy.ok():
            raise
        return 0
    finally:
        for node in nodes:
            node.stop()
            node.unload()
            node.destroy_node()
        rclpy.try_shutdown()
        watchdog.dismiss()


def _spin(make_nodes: Sequence[Callable[[], ManagedNode]], nodes: list[ManagedNode]) -> int:
    executor = SingleThreadedExecutor()
    for make_node in make_nodes:
        nodes.append(make_node())
        executor.add_node(nodes[-1])
    if not all(node.autostart() for node in nodes):
        return 1 if rclpy.ok() else 0
    executor.spin()
    return 0
