"""Arrays as machine code takes them: where they begin and how long they are, indexed as in C.

numba's own arrays carry seven numbers each, and every index is looked at whether it counts from the end; with the
eighty arrays of the kernel both take a third of its time. Of these an index must lie inside the array: none is checked.
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import (
    NativeValue,
    intrinsic,
    models,
    overload,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.numpy_support import from_dtype


class Flat(np.ndarray):
    """An array of one dimension whose numbers stand one behind the other."""


def flat(buffer: Any) -> Flat:
    """Return the same memory as a `Flat` array."""
    return np.asarray(memoryview(buffer)).view(Flat)


def empty(kind: str, size: int) -> Flat:
    """Return an array of so many numbers of a type of `struct`, whatever they are."""
    return np.empty(size, kind).view(Flat)


class FlatType(types.Type):
    """The type of `Flat` arrays of one kind of number."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Flat({dtype})")


@typeof_impl.register(Flat)
def _typeof(array: Flat, _: Any) -> FlatType:
    return FlatType(from_dtype(array.dtype))


@register_model(FlatType)
class _Model(models.StructModel):
    def __init__(self, manager: Any, kind: FlatType) -> None:
        super().__init__(manager, kind, [("data", types.CPointer(kind.dtype)), ("size", types.intp)])


@unbox(FlatType)
def _unbox(kind: FlatType, array: Any, c: Any) -> NativeValue:
    given = c.context.make_array(types.Array(kind.dtype, 1, "C"))(c.context, c.builder)
    failed = c.pyapi.numba_array_adaptor(array, c.builder.bitcast(given._getpointer(), c.pyapi.voidptr))
    taken = cgutils.create_struct_proxy(kind)(c.context, c.builder)
    taken.data, taken.size = given.data, given.nitems
    return NativeValue(taken._getvalue(), is_error=cgutils.is_not_null(c.builder, failed))


def _place(context: Any, builder: Any, kind: FlatType, array: Any, index: Any) -> Any:
    held = cgutils.create_struct_proxy(kind)(context, builder, value=array)
    return builder.gep(held.data, [index], inbounds=True)


@intrinsic
def _load(_: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, array, *arguments)
        return context.unpack_value(builder, array.dtype, place)

    return array.dtype(array, types.intp), generate


@intrinsic
def _store(_: Any, array: Any, index: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, array, *arguments[:2])
        context.pack_value(builder, array.dtype, arguments[2], place)
        return context.get_dummy_value()

    return types.void(array, types.intp, array.dtype), generate


@intrinsic
def fetch(_: Any, array: Any, index: Any) -> Any:
    """Tell the processor that a place of an array is going to be read: LLVM's prefetch, one instruction."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
        at = builder.bitcast(_place(context, builder, array, *arguments), byte)
        builder.call(prefetch, [at, *(ir.Constant(number, flag) for flag in (0, 3, 1))])  # read, keep, data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def choose(_: Any, condition: Any, one: Any, other: Any) -> Any:
    """Return one number or the other without a branch, for conditions that the processor would guess wrongly."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        chosen = builder.select(*arguments)
        chosen.set_metadata("unpredictable", builder.module.add_metadata([]))
        return chosen

    kind = types.float64 if isinstance(one, types.Float) else types.intp
    return kind(types.boolean, kind, kind), generate


@overload(operator.getitem, strict=False)
def _getitem(array: Any, index: Any) -> Any:
    if isinstance(array, FlatType) and isinstance(index, types.Integer):
        return lambda array, index: _load(array, index)  # type: ignore[call-arg]
    return None


@overload(operator.setitem, strict=False)
def _setitem(array: Any, index: Any, value: Any) -> Any:
    if isinstance(array, FlatType) and isinstance(index, types.Integer):
        return lambda array, index, value: _store(array, index, value)  # type: ignore[call-arg]
    return None


@intrinsic
def _size(_: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.create_struct_proxy(array)(context, builder, value=arguments[0]).size

    return types.intp(array), generate


@overload(len, strict=False)
def _len(array: Any) -> Any:
    return (lambda array: _size(array)) if isinstance(array, FlatType) else None  # type: ignore[call-arg]
