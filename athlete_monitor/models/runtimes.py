"""Two ways to run a forest, behind one protocol.

``hummingbird`` calls the TorchScript of the Hummingbird archive directly; ``onnx`` calls ONNX Runtime and keeps torch
out of the process. Both use one thread, give every row the same bits independent of the other rows, and return NaN for
a row with a missing (not finite) value: a forest has no valid prediction there.
"""

from __future__ import annotations

import importlib.util
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import numpy as np

from athlete_monitor.errors import ModelError
from athlete_monitor.models.archive import torchscript_of
from athlete_monitor.models.lean_forests import LeanForests, is_wasteful
from athlete_monitor.models.onnx_file import check_onnx
from athlete_monitor.models.onnx_tables import tables_in_onnx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

    from athlete_monitor.arrays import BoolArray, Float32Array, IntArray
    from athlete_monitor.config import Config
    from athlete_monitor.models.lean_forests import LeanTables
    from athlete_monitor.models.manifest import ArtifactKind
    from athlete_monitor.models.traversal import Forest, JoinedDescent, Tables

RuntimeName = Literal["hummingbird", "onnx"]
DeviceName = Literal["auto", "cpu", "cuda"]

WARM_UP_ROWS: Final = (1, 2)
"""Numbers of rows of the warm-up calls of a model."""

_FLOAT32: Final = np.dtype(np.float32)
_TORCH_ERRORS: Final = (RuntimeError, ValueError, LookupError, AttributeError, TypeError, MemoryError)


class Predictor(Protocol):
    """A loaded model."""

    @property
    def n_features(self) -> int:
        """Columns that X must have."""

    def predict(self, X: Float32Array) -> Float32Array:
        """Predict heart rates in bpm, float32 [n], of the rows X, float32 [n, n_features].

        A row with NaN or an infinity gives NaN. Other dtypes are cast to float32.

        Raises:
            ModelError: X has another shape.
        """


class Runtime(Protocol):
    """Turns the verified bytes of one artifact into a predictor."""

    @property
    def name(self) -> str:
        """Name in the configuration."""

    @property
    def kind(self) -> ArtifactKind:
        """The artifact that it reads."""

    @property
    def device(self) -> str:
        """Its device: ``cpu`` or ``cuda``."""

    def load(self, artifact: bytes, n_features: int) -> Predictor:
        """Load and warm up a model; the bytes must have been checked against the manifest before.

        Raises:
            ModelError: the bytes are not a model, or a model with another number of features.
        """

    def join(self, predictors: Sequence[Predictor]) -> JoinedPredictor | None:
        """Join models so that one call runs them all; None if this runtime, or these models, cannot be joined."""


class JoinedPredictor(Protocol):
    """Several loaded models in one call."""

    def predict(self, X: Float32Array, which: IntArray) -> Float32Array:
        """Predict the rows X, float32 [n, n_features], the i-th by model ``which[i]``; see ``Predictor.predict``.

        Every row gets the same bits as from its own model.
        """


@dataclass(frozen=True)
class ForestPredictor:
    """Checks the input of a runtime's raw ``run``: C-contiguous writeable float32 [n, F], n > 0, to float32 [n]."""

    run: Callable[[Float32Array], Float32Array]
    n_features: int
    tables: Tables | None = None
    """The data needed to join the model with others."""
    lean: LeanTables | None = None
    """The same for a model of the ONNX runtime."""

    @property
    def held_bytes(self) -> int | None:
        """Memory of the model; None where only a measurement shows it."""
        return None if self.lean is None else self.lean.held_bytes

    def predict(self, X: Float32Array) -> Float32Array:
        """See ``Predictor.predict``."""
        return _predict(self.run, X, self.n_features)


@dataclass(frozen=True)
class JoinedForests:
    """Checks the input of several joined forests, as ``ForestPredictor`` does."""

    run: Callable[[Float32Array, IntArray], Float32Array]
    n_features: int

    def predict(self, X: Float32Array, which: IntArray) -> Float32Array:
        """See ``JoinedPredictor.predict``."""
        return _predict(lambda rows: self.run(rows, which), X, self.n_features)


def _predict(run: Callable[[Float32Array], Float32Array], X: Float32Array, n_features: int) -> Float32Array:
    rows = X if X.dtype is _FLOAT32 and X.flags.carray else np.require(X, np.float32, ("C", "W"))
    if rows.ndim != 2 or rows.shape[1] != n_features:
        raise ModelError(f"X has shape {rows.shape}; the model takes [rows, {n_features}]")
    if not len(rows):
        return np.empty(0, np.float32)
    known = np.isfinite(rows)
    return run(rows) if np.count_nonzero(known) == known.size else _predict_incomplete(run, rows, known)


def _predict_incomplete(
    run: Callable[[Float32Array], Float32Array], rows: Float32Array, known: BoolArray
) -> Float32Array:
    finite = np.logical_and.reduce(known, axis=1)
    predicted = run(np.where(finite[:, None], rows, np.float32(0)))
    return np.where(finite, predicted, np.float32(np.nan))


def configured_runtime(config: Config, report: Callable[[str], None] = print, athletes: int = 0) -> Runtime:
    """Start the runtime of ``model_loading`` and ``jetson``; see ``open_runtime``.

    Without PyTorch (the light installation) the ONNX runtime replaces Hummingbird's, and a line reports this.
    """
    loading, jetson = config.model_loading, config.jetson
    device: DeviceName = "cpu" if loading.device == "auto" and not jetson.device_detection else loading.device
    name: RuntimeName = loading.runtime
    if name == "hummingbird" and not has_torch():
        report("model_loading.runtime: PyTorch is not installed, models run with the onnx runtime")
        name = "onnx"
    return open_runtime(name, device, report, jetson.gpu_memory_fraction, athletes)


def has_torch() -> bool:
    """Return whether PyTorch is installed; it is not imported."""
    return importlib.util.find_spec("torch") is not None


def open_runtime(
    name: RuntimeName,
    device: DeviceName = "auto",
    report: Callable[[str], None] = print,
    gpu_memory_fraction: float = 1.0,
    athletes: int = 0,
) -> Runtime:
    """Start a runtime; ``report`` gets one line if the configured device is not available.

    ``auto`` uses CUDA if it is available and predicts this number of ``athletes`` (0: a usual squad) faster than the
    CPU.

    Raises:
        ModelError: the runtime's library is not installed.
    """
    try:
        if name == "hummingbird":
            return HummingbirdRuntime(device, report, gpu_memory_fraction, athletes)
        return OnnxRuntime(device, report)
    except ImportError as error:
        raise ModelError(f"model_loading.runtime: {name} cannot start ({error})") from None


class HummingbirdRuntime:
    """TorchScript on one thread of the CPU, or on CUDA, without Hummingbird itself.

    The optimising executor stays off: it is not faster for a forest, compiles in its first calls (8 ms a model) and
    holds 0.3 MB more for each model.
    """

    name = "hummingbird"
    kind: ArtifactKind = "hummingbird"

    def __init__(
        self,
        device: DeviceName = "auto",
        report: Callable[[str], None] = print,
        gpu_memory_fraction: float = 1.0,
        athletes: int = 0,
    ) -> None:
        import torch

        torch.set_num_threads(1)
        self._torch: Any = torch
        self.device = _torch_device(torch, device, report, athletes)
        self._take: Callable[[Any], Any] = torch.from_numpy
        self._give: Callable[[Any], Float32Array] = torch.Tensor.numpy
        if self.device == "cuda":
            torch.cuda.set_per_process_memory_fraction(gpu_memory_fraction)
            self._take = lambda rows: torch.from_numpy(rows).to(self.device)
            self._give = lambda answer: answer.cpu().numpy()

    def load(self, artifact: bytes, n_features: int) -> ForestPredictor:
        """See ``Runtime.load``."""
        from athlete_monitor.models.traversal import Forest, tables_in

        script = torchscript_of(artifact)
        with _refusing(_TORCH_ERRORS, n_features):
            with self._torch.inference_mode():
                module = self._torch.jit.load(io.BytesIO(script), map_location=self.device).eval()
            columns = sum(parameter.numel() for parameter in module.parameters())
            if columns != n_features:
                raise ModelError(f"not a model of {n_features} features (it takes {columns})")
            whole = ForestPredictor(self._runner(module.forward), n_features)
            tables = tables_in(module)
            if tables is not None:
                with self._torch.inference_mode():
                    forest = Forest(tables)
                lean = ForestPredictor(self._forest_runner(forest), n_features, forest.tables)
                if _agree(lean, whole):
                    return _warmed_up(lean)
            return _warmed_up(whole)

    def join(self, predictors: Sequence[Predictor]) -> JoinedForests | None:
        """See ``Runtime.join``: forests of one shape and of the same number of features can be joined."""
        from athlete_monitor.models.traversal import JoinedDescent

        forests = [each.tables for each in predictors if isinstance(each, ForestPredictor) and each.tables is not None]
        kinds = {(*forest.shape, each.n_features) for forest, each in zip(forests, predictors, strict=False)}
        if len(forests) < len(predictors) or len(kinds) != 1:
            return None
        with self._torch.inference_mode():
            return JoinedForests(self._joined_runner(JoinedDescent(forests)), predictors[0].n_features)

    def _runner(self, forward: Callable[[Any], Any]) -> Callable[[Float32Array], Float32Array]:
        take, give, inference_mode = self._take, self._give, self._torch.inference_mode
        optimise = self._torch._C._set_graph_executor_optimize  # noqa: SLF001  (a setting of the calling thread)

        def run(rows: Float32Array) -> Float32Array:
            optimise(False)  # noqa: FBT003
            try:
                with inference_mode():
                    answer = give(forward(take(rows)))
            except RuntimeError as error:
                raise ModelError(f"the model failed ({_first_line(error)})") from None
            finally:
                optimise(True)  # noqa: FBT003
            return answer.reshape(-1)

        return run

    def _forest_runner(self, forest: Forest) -> Callable[[Float32Array], Float32Array]:
        take, give, inference_mode = self._take, self._give, self._torch.inference_mode

        def run(rows: Float32Array) -> Float32Array:
            with inference_mode():
                return give(forest(take(rows)))

        return run

    def _joined_runner(self, descend: JoinedDescent) -> Callable[[Float32Array, IntArray], Float32Array]:
        take, give, inference_mode = self._take, self._give, self._torch.inference_mode

        def run(rows: Float32Array, which: IntArray) -> Float32Array:
            with inference_mode():
                return give(descend(take(rows), take(which)))

        return run


class OnnxRuntime:
    """ONNX Runtime on one thread of the CPU, without a memory arena.

    A model whose tables give the bits of its session is kept as tables: in a fifteenth of the memory, and joined with
    others in one call.
    """

    name = "onnx"
    kind: ArtifactKind = "onnx"
    device = "cpu"

    def __init__(self, device: DeviceName = "auto", report: Callable[[str], None] = print) -> None:
        import onnxruntime

        if device == "cuda":
            report("model_loading.device: cuda is not for the onnx runtime, using the cpu")
        self._library = onnxruntime
        self._options = _onnx_options(onnxruntime)
        known = _exceptions_of(onnxruntime.capi.onnxruntime_pybind11_state)
        self._errors: tuple[type[Exception], ...] = (RuntimeError, ValueError, MemoryError, *known)

    def load(self, artifact: bytes, n_features: int) -> ForestPredictor:
        """See ``Runtime.load``."""
        check_onnx(artifact)
        with _refusing(self._errors, n_features):
            session = self._library.InferenceSession(artifact, self._options, providers=["CPUExecutionProvider"])
            whole = ForestPredictor(_onnx_runner(session, n_features), n_features)
            tables = tables_in_onnx(artifact, n_features)
            if tables is not None:
                lean = ForestPredictor(_lean_runner(LeanForests([tables])), n_features, lean=tables)
                if _agree(lean, whole):
                    return _warmed_up(lean)
            return _warmed_up(whole)

    def join(self, predictors: Sequence[Predictor]) -> JoinedForests | None:
        """See ``Runtime.join``: forests of the same number of features, all or none with a line, of similar sizes."""
        forests = [each.lean for each in predictors if isinstance(each, ForestPredictor) and each.lean is not None]
        kinds = {(each.n_features, forest.line is None) for each, forest in zip(predictors, forests, strict=False)}
        if len(forests) < len(predictors) or len(kinds) != 1 or is_wasteful(forests):
            return None
        return JoinedForests(LeanForests(forests), predictors[0].n_features)


def _lean_runner(forest: LeanForests) -> Callable[[Float32Array], Float32Array]:
    return lambda rows: forest(rows, np.zeros(len(rows), dtype=np.int64))


def _exceptions_of(module: ModuleType) -> list[type[Exception]]:
    """Return the exception classes that a module defines: ONNX Runtime's have no common root but Exception."""
    return [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Exception)]


def _onnx_options(library: Any) -> Any:  # noqa: ANN401
    options = library.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    options.log_severity_level = 4
    return options


def _onnx_runner(session: Any, n_features: int) -> Callable[[Float32Array], Float32Array]:  # noqa: ANN401
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1 or inputs[0].shape[-1] != n_features:
        raise ModelError(f"not a model of {n_features} features (its input is {[i.shape for i in inputs]})")
    name, wanted, run = inputs[0].name, [outputs[0].name], session.run

    def run_session(rows: Float32Array) -> Float32Array:
        answer: Float32Array = run(wanted, {name: rows})[0]
        return answer.reshape(-1)

    return run_session


@contextmanager
def _refusing(errors: tuple[type[Exception], ...], n_features: int) -> Iterator[None]:
    """Turn a library's exception for an unusable file into our error, in one line."""
    try:
        yield
    except ModelError:
        raise
    except errors as error:
        raise ModelError(f"not a model of {n_features} features ({_first_line(error)})") from None


def _agree(lean: ForestPredictor, whole: ForestPredictor) -> bool:
    """Return whether two predictors give the same bits, for few rows and for more."""
    rows = np.random.default_rng(0).normal(0.0, 30.0, (8, lean.n_features)).astype(np.float32)
    return all(np.array_equal(lean.predict(part), whole.predict(part)) for part in (rows[:1], rows))


def _warmed_up(predictor: ForestPredictor) -> ForestPredictor:
    for n in WARM_UP_ROWS:
        answer = predictor.predict(np.zeros((n, predictor.n_features), np.float32))
        if answer.shape != (n,) or answer.dtype != np.float32:
            raise ModelError(f"{n} rows give {answer.dtype} {answer.shape}, not float32 ({n},)")
    return predictor


def _torch_device(torch: Any, wished: DeviceName, report: Callable[[str], None], athletes: int) -> str:  # noqa: ANN401
    if wished == "cpu":
        return "cpu"
    if torch.cuda.is_available():
        return "cuda" if wished == "cuda" else _faster_device(athletes)
    if wished == "cuda":
        reason = "this torch is built without it" if torch.version.cuda is None else "no usable device found"
        report(f"model_loading.device: cuda is not available ({reason}), using the cpu")
    return "cpu"


def _faster_device(athletes: int) -> str:
    from athlete_monitor.models.device import USUAL_SQUAD, faster_device

    return faster_device(athletes or USUAL_SQUAD)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]
