"""A vector type of eight float32 lanes for numba kernels.

LLVM vectorizes only loops for which it can prove that this is safe; a blending loop over a few pixels mostly stays
scalar. With an explicit vector type a kernel reads like scalar code and compiles to vector code on every CPU: LLVM maps
eight lanes to one AVX register, or to two SSE or NEON registers.
"""

import operator

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from vistadream.ops.numerics.jit import inlined

LANES = 8
_VECTOR = ir.VectorType(ir.FloatType(), LANES)
_INTS = ir.VectorType(ir.IntType(32), LANES)
_MASK = ir.VectorType(ir.IntType(1), LANES)


class _Vector(types.Type):
    def __init__(self, name: str, llvm: ir.Type) -> None:
        super().__init__(name=name)
        self.llvm = llvm


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, numba_type) -> None:
        super().__init__(manager, numba_type, numba_type.llvm)


F8 = _Vector("float32x8", _VECTOR)
M8 = _Vector("bool8", _MASK)


def _broadcast(context, builder, numba_type, value):
    """A scalar copied to all lanes; a vector unchanged."""
    if isinstance(numba_type, _Vector):
        return value
    scalar = context.cast(builder, value, numba_type, types.float32)
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), ir.Constant(_INTS, [0] * LANES))


def _define(op, operands, result, emit) -> None:
    """Defines `op` between two values of the vector type `operands`; for F8 also between a vector and a scalar."""

    @type_callable(op)
    def type_op(context):
        return lambda a, b: result if operands in (a, b) else None

    def lower(context, builder, signature, args):
        return emit(builder, *(_broadcast(context, builder, t, v) for t, v in zip(signature.args, args, strict=True)))

    lower_builtin(op, operands, operands)(lower)
    if operands is F8:
        lower_builtin(op, F8, types.Number)(lower)
        lower_builtin(op, types.Number, F8)(lower)


_CONTRACT = ("contract",)  # a*b + c may become one fused instruction
_define(operator.iadd, F8, F8, lambda b, x, y: b.fadd(x, y, flags=_CONTRACT))
_define(operator.add, F8, F8, lambda b, x, y: b.fadd(x, y, flags=_CONTRACT))
_define(operator.sub, F8, F8, lambda b, x, y: b.fsub(x, y, flags=_CONTRACT))
_define(operator.mul, F8, F8, lambda b, x, y: b.fmul(x, y, flags=_CONTRACT))
_define(operator.truediv, F8, F8, lambda b, x, y: b.fdiv(x, y))
_define(operator.gt, F8, M8, lambda b, x, y: b.fcmp_ordered(">", x, y))
_define(operator.ge, F8, M8, lambda b, x, y: b.fcmp_ordered(">=", x, y))
_define(operator.lt, F8, M8, lambda b, x, y: b.fcmp_ordered("<", x, y))
_define(operator.le, F8, M8, lambda b, x, y: b.fcmp_ordered("<=", x, y))
_define(operator.and_, M8, M8, lambda b, x, y: b.and_(x, y))


@intrinsic
def splat(typing, value):
    """The scalar in all lanes."""

    def lower(context, builder, signature, args):
        return _broadcast(context, builder, signature.args[0], args[0])

    return F8(value), lower


@intrinsic
def ramp(typing):
    """0, 1, ..., 7."""
    return F8(), lambda context, builder, signature, args: ir.Constant(_VECTOR, [float(i) for i in range(LANES)])


def _address(context, builder, array_type, array, index):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _VECTOR.as_pointer())


@intrinsic
def load(typing, array, index):
    """array[index : index + 8] of a contiguous flat float32 array; no bounds check."""

    def lower(context, builder, signature, args):
        return builder.load(_address(context, builder, signature.args[0], *args), align=4)

    return F8(array, types.intp), lower


@intrinsic
def store(typing, array, index, value):
    """array[index : index + 8] = value; no bounds check."""

    def lower(context, builder, signature, args):
        builder.store(args[2], _address(context, builder, signature.args[0], *args[:2]), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, F8), lower


@intrinsic
def select(typing, mask, yes, no):
    """yes where mask, else no; yes and no may be scalars."""

    def lower(context, builder, signature, args):
        mask_value, *values = args
        yes_value, no_value = (
            _broadcast(context, builder, t, v) for t, v in zip(signature.args[1:], values, strict=True)
        )
        return builder.select(mask_value, yes_value, no_value)

    return F8(mask, yes, no), lower


@intrinsic
def count(typing, mask):
    """The number of lanes that are true."""

    def lower(context, builder, signature, args):
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.zext(builder.ctpop(bits), context.get_value_type(types.intp))

    return types.intp(mask), lower


@intrinsic
def total(typing, value):
    """The sum of the lanes, always added in the same order."""

    def lower(context, builder, signature, args):
        parts = args[0]
        for half in (4, 2, 1):
            index = ir.Constant(_INTS, [i + half if i < half else i for i in range(LANES)])
            parts = builder.fadd(parts, builder.shuffle_vector(parts, parts, index))
        return builder.extract_element(parts, ir.Constant(ir.IntType(32), 0))

    return types.float32(value), lower


def _call(builder, name, args):
    """Calls LLVM's intrinsic function of that name, lane by lane."""
    function_type = ir.FunctionType(_VECTOR, [_VECTOR])
    return builder.call(cgutils.get_or_insert_function(builder.module, function_type, f"llvm.{name}.v8f32"), args)


@intrinsic
def sqrt(typing, value):
    """The square root of each lane."""
    return F8(value), lambda context, builder, signature, args: _call(builder, "sqrt", args)


@intrinsic
def _round(typing, value):
    return F8(value), lambda context, builder, signature, args: _call(builder, "rint", args)


@intrinsic
def _power_of_two(typing, exponent):
    """2**exponent of integer exponents above -127, by writing the exponent bits."""

    def lower(context, builder, signature, args):
        bits = builder.fptosi(args[0], _INTS)
        biased = builder.add(bits, ir.Constant(_INTS, [127] * LANES))
        return builder.bitcast(builder.shl(biased, ir.Constant(_INTS, [23] * LANES)), _VECTOR)

    return F8(exponent), lower


@inlined(error_model="numpy")
def exp2(value):
    """2**value for value <= 127, within 2e-7 relative; values below -126 count as -126.

    The polynomial is the Chebyshev interpolant of 2**f on [-1/2, 1/2].
    """
    value = select(value > -126.0, value, -126.0)
    whole = _round(value)
    f = value - whole
    poly = f * 0.00133908634 + 0.00967603192
    poly = poly * f + 0.0555035711
    poly = poly * f + 0.240221075
    poly = poly * f + 0.693147188
    poly = poly * f + 1.00000008
    return poly * _power_of_two(whole)
