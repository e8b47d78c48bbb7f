"""The kernel as machine code: made by numba once a machine and version, kept in the private cache."""

import hashlib
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

    from classifier.flat import choose, fetch

    njit: Any = numba.njit
    folder = _folder()
    if folder:
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]
    spec = spec_from_file_location("classifier.kernel_as_machine_code", kernel.__file__)
    if spec is None or spec.loader is None:
        raise ImportError(f"{kernel.__file__}: not a Python source file")
    module: ModuleType = module_from_spec(spec)
    module.fetch, module.choose = fetch, choose  # type: ignore[attr-defined]
    # the kernel allocates nothing, so that counting references (_nrt) would be most of the work; in one piece it is up
    # to a fifth faster than in the pieces that LLVM chooses
    options = {"nogil": True, "error_model": "numpy", "_nrt": False, "forceinline": True}
    module.routine = njit(cache=folder is not None, **options)  # type: ignore[attr-defined]
    sys.modules[spec.name] = module  # by this name numba finds it again
    spec.loader.exec_module(module)
    return module


def is_kept() -> bool:
    """Tell whether machine code of this kernel is probably in the cache, so that a start need not wait for it."""
    folder = _folder()
    return folder is not None and any(folder.rglob("*score_texts*.nbc"))


def _folder() -> Path | None:
    """Return where the machine code of these very sources is kept."""
    cache, here = cache_folder(), Path(kernel.__file__)
    sources = b"".join(path.read_bytes() for path in (here, here.with_name("flat.py"), here.with_name("machine.py")))
    return cache / f"numba-{hashlib.sha256(sources).hexdigest()[:16]}" if cache else None
