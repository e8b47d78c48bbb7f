"""The kernel as machine code: made by numba once a machine and version, kept in the private cache."""

import sys
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from classifier import kernel
from classifier.text import cache_folder


@lru_cache(maxsize=1)
def compiled() -> Any:
    """Return `classifier.kernel` with every function as machine code; without a private cache it is made anew."""
    import numba

    njit: Any = numba.njit
    folder = _folder()
    if folder:
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    spec = spec_from_file_location("classifier.kernel_as_machine_code", kernel.__file__)
    if spec is None or spec.loader is None:
        raise ImportError(f"{kernel.__file__}: not a Python source file")
    module: ModuleType = module_from_spec(spec)
    module.fetch = _fetch()  # type: ignore[attr-defined]
    # the kernel allocates nothing, so that counting references (_nrt) would be most of the work
    module.routine = njit(nogil=True, error_model="numpy", cache=folder is not None, _nrt=False)  # type: ignore[attr-defined]
    sys.modules[spec.name] = module  # by this name numba finds it again
    spec.loader.exec_module(module)
    return module


def _fetch() -> Any:
    """Return what makes `kernel.fetch` one instruction, LLVM's prefetch, in machine code."""
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    @intrinsic
    def fetch(_: Any, array: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            held = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
            byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
            prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
            at = builder.bitcast(builder.gep(held.data, [arguments[1]]), byte)
            builder.call(prefetch, [at, *(ir.Constant(number, flag) for flag in (0, 3, 1))])  # read, keep, data
            return context.get_dummy_value()

        return types.void(array, place), generate

    return fetch


def is_kept() -> bool:
    """Tell whether machine code of this kernel is probably in the cache, so that a start need not wait for it."""
    folder, source = _folder(), Path(kernel.__file__)
    newest = max((path.stat().st_mtime for path in folder.rglob("*score_texts*.nbc")), default=0.0) if folder else 0.0
    return newest > source.stat().st_mtime


def _folder() -> Path | None:
    cache = cache_folder()
    return cache / "numba" if cache else None
