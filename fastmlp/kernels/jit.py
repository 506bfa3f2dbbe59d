"""How kernels are compiled: the flags, and a cache that follows edits. The only file that calls Numba's decorators.

`entry` for what Python calls, `kernel` for what kernels call; `strict_kernel` for code whose rounding is the point (a sum such as
``(x + big) - big`` must not be simplified away); `in_compiled_code` for what a Python function becomes when compiled code calls it.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from llvmlite import binding
from numba import config, njit, types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import cpu_target
from numba.core.serialize import dumps
from numba.extending import overload

# Never nnan or ninf: a run that diverges has to show it.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}
STRICT_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry


def _source_stamp() -> str:
    """Digest of every source file of the package, wherever it was imported from: a folder or a zip file."""
    digest = hashlib.sha256()
    for source in _sources(resources.files(__name__.partition(".")[0])):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


SOURCE_STAMP = _source_stamp()
CODE_SETTINGS = ("BOUNDSCHECK", "OPT")  # NUMBA_BOUNDSCHECK, NUMBA_OPT: Numba's own cache looks at the CPU's name and features only


class _Code(JITCodeLibrary):
    """The machine code of a kernel, which calls the copies of its callees that were optimised with it, and no others.

    Numba links callees as weak symbols: in the process that compiles, a call may reach the code of a callee that was compiled alone; in one
    that loads the kernel from the cache it reaches the copy inside. The two may round differently.
    """

    def _optimize_final_module(self) -> None:
        self._run_passes()
        self._shared_module = self._final_module.clone()  # for whoever links this kernel: as Numba makes it
        for function in self._shared_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.external:
                function.linkage = binding.Linkage.linkonce_odr
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.linkonce_odr:
                function.linkage = binding.Linkage.internal

    def _run_passes(self) -> None:
        """Hardly any optimisation: the kernel that Python calls is optimised with all that it calls."""
        manager, builder = self._codegen._module_pass_manager(opt=0, loop_vectorize=False, slp_vectorize=False, cost="cheap")
        manager.run(self._final_module, builder)


class _EntryCode(_Code):
    """The machine code of a kernel that Python calls: optimised as Numba optimises every function."""

    def _run_passes(self) -> None:
        JITCodeLibrary._optimize_final_module(self)


class _Compiler(Compiler):
    """Numba's compiler, with `_Code` for its result."""

    code: type[JITCodeLibrary] = _Code

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, args: Any, return_type: Any, flags: Any, locals: Any) -> None:
        if library is None:
            library = self.code(cpu_target.target_context.codegen(), "fastmlp")
            library.enable_object_caching()
        super().__init__(typingctx, targetctx, library, args, return_type, flags, locals)


class _EntryCompiler(_Compiler):
    """The same, with `_EntryCode`."""

    code = _EntryCode


class _SignedFiles(IndexDataCacheFile):
    """Numba's index and data files; each data file says what it was made for, and what cannot be read is compiled anew.

    Numba writes the index before the data and numbers the data files anew with each stamp. A process that ends in between, or two
    that save at once, would leave an index that names another version's or another signature's code.
    """

    def save(self, key: Any, data: Any) -> None:
        code = dumps(data)
        super().save(key, (self._source_stamp, key, hashlib.sha256(code).digest(), code))

    def load(self, key: Any) -> Any:
        try:
            stamp, made_for, digest, code = super().load(key)
        except Exception:  # nothing there (None), or damaged: pickle then raises whatever the bytes suggest
            return None
        intact = (stamp, made_for, digest) == (self._source_stamp, key, hashlib.sha256(code).digest())
        return pickle.loads(code) if intact else None

    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except Exception:  # as above; the next save writes a new index
            return {}


class _PackageCache(FunctionCache):
    """Numba's on-disk cache, stamped with the whole package instead of one file, and with the settings that change the code.

    A kernel's machine code contains its callees', so an edit in any file of the package makes every entry stale; Numba by itself
    looks only at the file of the function that is called.
    """

    def __init__(self, py_func: Callable[..., Any]) -> None:
        super().__init__(py_func)
        self._cache_file = _SignedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(SOURCE_STAMP, *(str(vars(config)[name]) for name in CODE_SETTINGS)),
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save, or go on without: a full or read-only disk costs a later compilation, not this run."""
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()


def _cached(dispatcher: Any) -> Any:
    with suppress(RuntimeError):  # no writable place: Numba's null cache stays, kernels live in memory
        dispatcher._cache = _PackageCache(dispatcher.py_func)
    return dispatcher


def _without_literals(dispatcher: Any) -> Any:
    """Have compiled callers compile `dispatcher` once for int64 instead of once for every constant that they pass."""
    resolve = dispatcher.get_call_template

    def resolve_plain(args: Any, kws: Any) -> Any:
        return resolve(tuple(types.unliteral(a) for a in args), {name: types.unliteral(a) for name, a in kws.items()})

    dispatcher.get_call_template = resolve_plain
    return dispatcher


def kernel(function: Callable[..., Any] | None = None, literals: bool = False, allocates: bool = False, **options: Any) -> Any:
    """Compile a function that kernels call, with the package's flags, when it is first called, and cache it on disk.

    `literals`: whether constants among its arguments are worth a version of their own. `allocates`: whether it makes arrays; one that does
    not counts no references either, which would cost a tile's caller 40 ns for each named view. Options are Numba's: ``forceinline=True``
    for what stands in inner loops, ``inline="always"`` for what only names a place. They come on top of the flags.
    """
    if function is None:
        return lambda f: kernel(f, literals, allocates, **options)
    dispatcher = _cached(njit(**(FLAGS | {"pipeline_class": _Compiler, "_nrt": allocates} | options))(function))
    return dispatcher if literals else _without_literals(dispatcher)


def entry(function: Callable[..., Any] | None = None, allocates: bool = True) -> Any:
    """Compile a kernel that Python calls.

    It is optimised with all that it calls. Python can call the others too, for tests, but their own code is hardly optimised: with every
    kernel optimised by itself as well, compiling `train_epochs` takes a fifth longer.
    """
    return kernel(function, allocates=allocates, pipeline_class=_EntryCompiler)


def strict_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that is inlined into its callers, its floating-point operations exactly as written."""
    return njit(**STRICT_FLAGS, forceinline=True, pipeline_class=_Compiler)(function)


def in_compiled_code(function: Callable[..., Any]) -> Any:
    """Decorate what `function` stands for in compiled code: from the types of its arguments, a Python function to compile in its place."""
    options: Any = FLAGS
    return overload(function, jit_options=options, strict=False)
