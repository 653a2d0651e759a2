"""A pretended GPU: tensors that say that they are on "cuda", keep their numbers in main memory, and count what crosses.

With it, the code for a GPU runs with real numbers on a computer without one. As on a GPU, an operation with tensors of
both devices raises RuntimeError, and `Tensor.numpy` raises TypeError. `FakeDevice.crossings` has an entry for each
operation that makes the CPU wait for the GPU: a copy in either direction, a value that is read, and a result whose
shape depends on values. `FakeDevice.launches` names the operations that compute something: a view of a tensor does not.
shape depends on values. `FakeDevice("mps")` pretends to be a GPU of Apple's, which has no double precision.

    with FakeDevice() as device:
        step(gaussians.to("cuda"), view.to("cuda"))
    assert not device.crossings
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

CUDA = torch.device("cuda", 0)
_CPU = torch.device("cpu")
_NUMPY = "can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first."
_aten = torch.ops.aten
_COPIES = (_aten.copy_, _aten._to_copy)
_READS = (_aten._local_scalar_dense, _aten.equal)
_SHAPED_BY_VALUES = (
    _aten.nonzero,
    _aten.masked_select,
    _aten.bincount,
    _aten.unique_dim,
    _aten._unique2,
    _aten.unique_consecutive,
    _aten.repeat_interleave,
)
_FROM_MEMORY = (torch.tensor, torch.as_tensor, torch.from_numpy)
_crossings: list[str] = []
_launches: list[str] = []
_pretended = [CUDA]


class OnCuda(Tensor):
    """A tensor of the pretended GPU; `held` has its numbers. Torch's C++ code sees a tensor on "meta"."""

    held: Tensor
    device = property(lambda self: _pretended[0])
    is_cuda = property(lambda self: self.device.type == "cuda")
    is_cpu = property(lambda self: False)
    is_meta = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> OnCuda:
        if _pretended[0].type == "mps" and held.dtype == torch.float64:
            raise TypeError("the MPS framework doesn't support float64")
        like = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        made = Tensor._make_wrapper_subclass(cls, held.shape, **like, device="meta")
        made.held = held
        return made

    def __repr__(self) -> str:
        return f"OnCuda({self.held})"

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        return _to(self, *args, **kwargs)

    def cpu(self) -> Tensor:
        return _to(self, "cpu")

    def cuda(self) -> Tensor:
        return self

    def tolist(self) -> Any:
        _crossings.append("tolist")
        return self.held.tolist()

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(_NUMPY)

    __array__ = numpy

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        _check(func, args, kwargs)
        if kwargs.get("device") is not None:
            kwargs["device"] = _CPU
        args_held, kwargs_held = tree_map(lambda x: x.held if isinstance(x, OnCuda) else x, (args, kwargs))
        out = func(*args_held, **kwargs_held)
        if not func.is_view and func.overloadpacket is not _aten.detach:
            _launches.append(str(func.overloadpacket))
        if func._schema.is_mutable and func._schema.arguments[0].alias_info is not None:
            return args[0]
        return tree_map(lambda x: OnCuda(x) if isinstance(x, Tensor) else x, out)


def _check(func: Any, args: Any, kwargs: Any) -> None:
    """Raises for tensors of both devices, and notes what makes the CPU wait; a number may be on the CPU."""
    operation = func.overloadpacket
    others = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and not isinstance(x, OnCuda) and x.dim()]
    if others and operation not in _COPIES:
        raise RuntimeError(f"{operation}: expected all tensors to be on the same device; got cuda:0 and cpu")
    by_mask = operation is _aten.index and any(
        isinstance(x, Tensor) and x.dtype in (torch.bool, torch.uint8) for x in args[1]
    )
    if others or by_mask or operation in (*_READS, *_SHAPED_BY_VALUES):
        _crossings.append(str(operation))


class _ToCuda(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return OnCuda(x.detach().clone())

    @staticmethod
    def backward(ctx: Any, grad: OnCuda) -> Tensor:
        return grad.held.clone()


class _ToCpu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: OnCuda) -> Tensor:
        return x.held.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return OnCuda(grad.clone())


def _to(x: Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> Tensor:
    """`Tensor.to` between the pretended GPU and the CPU."""
    if args and isinstance(args[0], Tensor):
        device, dtype = args[0].device, args[0].dtype
    else:
        device, dtype, *_ = torch._C._nn._parse_to(*args, **kwargs)
    crosses = device is not None and device.type != x.device.type
    if crosses:
        _crossings.append(f"to {device.type}")
        x = _ToCpu.apply(x) if device.type == "cpu" else _ToCuda.apply(x if dtype is None else x.to(dtype))
    with torch._C.DisableTorchFunctionSubclass():
        x = x if dtype is None else Tensor.to(x, dtype)
        return x.clone() if copy and not crosses else x


class _ScalarsOfTorch(TorchDispatchMode):
    """Numbers that torch makes tensors of where it believes that it computes on "meta", as in `where(mask, x, 0.0)`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        device = kwargs.get("device")
        if device is None or device.type != "meta" or any(isinstance(x, OnCuda) for x in tree_leaves(args)):
            return func(*args, **kwargs)
        return OnCuda(func(*args, **kwargs | {"device": _CPU}))


class FakeDevice(TorchFunctionMode):
    """While it is entered, `device="cuda"` and `.to("cuda")` make tensors of the pretended GPU; so with "mps"."""

    def __init__(self, kind: str = "cuda") -> None:
        super().__init__()
        self._kind = torch.device(kind, 0)
        self.crossings, self.launches = _crossings, _launches
        self._scalars = _ScalarsOfTorch()

    def __enter__(self) -> FakeDevice:
        _crossings.clear()
        _launches.clear()
        _pretended[0] = self._kind
        self._scalars.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._scalars.__exit__(*error)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (Tensor.cuda, Tensor.cpu):
            return _to(args[0], "cuda" if func is Tensor.cuda else "cpu")
        if func is Tensor.to:
            return _to(*args, **kwargs)
        if func is Tensor.new_tensor and isinstance(args[0], OnCuda):
            _crossings.append("new_tensor")
            return OnCuda(args[0].held.new_tensor(*args[1:], **kwargs))
        device = kwargs.get("device")
        if device is None:
            return func(*args, **kwargs)
        on_cuda, like = torch.device(device).type == _pretended[0].type, bool(args) and isinstance(args[0], OnCuda)
        if like:  # new_zeros(..., device=...), zeros_like(..., device=...)
            return func(
                args[0] if on_cuda else args[0].held, *args[1:], **kwargs | {"device": None if on_cuda else _CPU}
            )
        if not on_cuda:
            return func(*args, **kwargs)
        if func in _FROM_MEMORY:
            _crossings.append(func.__name__)
        made = func(*args, **kwargs | {"device": _CPU})
        return OnCuda(made.detach()).requires_grad_(made.requires_grad)
