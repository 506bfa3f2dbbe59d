"""How kernels are compiled: the compiler's flags, and a cache that follows edits. No other file calls Numba's decorators.

`entry` compiles functions that Python calls, and `kernel` those that kernels call. `strict_kernel` is for code that depends on exact
rounding, such as ``(x + big) - big``, which must not be simplified away. `plain` is for arithmetic that Python runs as well, and
`in_compiled_code` defines what a Python function becomes when compiled code calls it.
"""

from __future__ import annotations

import gc
import hashlib
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from threading import Event
from types import SimpleNamespace
from typing import Any, Literal

from llvmlite import binding
from numba import config, types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher, cpu_target
from numba.core.serialize import dumps
from numba.extending import overload

from .caches import cache_size

# nnan and ninf are left out, since a run that diverges must show NaN and infinity.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}


def _sources(folder: Traversable) -> Iterator[Traversable]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _sources(entry)
        elif entry.name.endswith(".py"):
            yield entry


def _source_stamp() -> str:
    """Return a digest of every source file of the package, whether it was imported from a folder or a zip file."""
    digest = hashlib.sha256()
    for source in _sources(resources.files(__name__.partition(".")[0])):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


SOURCE_STAMP = _source_stamp()
# NUMBA_BOUNDSCHECK, NUMBA_OPT and NUMBA_DEBUGINFO change the code too, but Numba's own cache checks only the CPU's name and features.
CODE_SETTINGS = ("BOUNDSCHECK", "OPT", "DEBUGINFO_DEFAULT")
CACHES = tuple(str(cache_size(level)) for level in (1, 2))  # of this machine: several machines may share a home directory


class _Part(JITCodeLibrary):
    """The LLVM code of a kernel that other kernels call.

    It is optimised inside its callers, so by itself it is neither optimised nor translated to machine code. Its callees are not linked into
    it until its own code is asked for; each is then linked once, however many of the other callees share it.
    """

    @property
    def codegen(self) -> Any:
        """Stand in for Numba's code generator, which would register an environment for the machine code."""
        return SimpleNamespace(set_env=lambda name, env: None)

    def get_pointer_to_function(self, name: str) -> int:
        """Return no address, since there is no machine code."""
        return 0

    def _optimize_functions(self, ll_module: Any) -> None:
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self) -> None:
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.external:
                function.linkage = binding.Linkage.linkonce_odr
        self._finalized = True

    def _get_module_for_linking(self) -> Any:
        """Return the code of this kernel and of everything it calls, as Numba's libraries expect."""
        self._ensure_finalized()
        if self._shared_module is None:
            module = self._final_module.clone()
            seen, waiting = {self}, list(self._linking_libraries)
            while waiting:
                library = waiting.pop()
                if library in seen:
                    continue
                seen.add(library)
                if isinstance(library, _Part):
                    library._ensure_finalized()
                    module.link_in(library._final_module, preserve=True)
                    waiting += library._linking_libraries
                else:
                    module.link_in(library._get_module_for_linking(), preserve=True)
            self._shared_module = module
        return self._shared_module


class _Whole(JITCodeLibrary):
    """The machine code of a kernel that Python calls. It calls only those copies of its callees that were optimised with it.

    Numba links callees as weak symbols. In the process that compiles, a call may therefore reach the code of a callee that was compiled on
    its own; in a process that loads the kernel from the cache, it reaches the copy inside. The two may round differently.
    """

    def _optimize_final_module(self) -> None:
        super()._optimize_final_module()
        for function in self._final_module.functions:
            if not function.is_declaration and function.linkage == binding.Linkage.linkonce_odr:
                function.linkage = binding.Linkage.internal


class _Compiler(Compiler):
    """Numba's compiler, with a result of the class `library`."""

    library: type[JITCodeLibrary]

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, args: Any, return_type: Any, flags: Any, locals: Any) -> None:
        if library is None:
            library = self.library(cpu_target.target_context.codegen(), "fastmlp")
            library.enable_object_caching()
        if config.DEBUGINFO_DEFAULT:  # type: ignore[attr-defined]
            # Line numbers only: the other information for debuggers would change the machine code.
            flags.debuginfo = flags.dbg_directives_only = True
            flags.dbg_extend_lifetimes = flags.boundscheck = False
        super().__init__(typingctx, targetctx, library, args, return_type, flags, locals)


class _PartCompiler(_Compiler):
    """The compiler of a `_Part`, without the wrappers by which Python or C could call it."""

    library = _Part

    def __init__(self, typingctx: Any, targetctx: Any, library: Any, args: Any, return_type: Any, flags: Any, locals: Any) -> None:
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
        super().__init__(typingctx, targetctx, library, args, return_type, flags, locals)


class _WholeCompiler(_Compiler):
    """The compiler of a `_Whole`."""

    library = _Whole


class _SignedFiles(IndexDataCacheFile):
    """Numba's index and data files. Each data file records what it was made for, and code that cannot be read is compiled again.

    Numba writes the index before the data, and numbers the data files from the beginning for each stamp. A process that ends in between, or
    two processes that save at the same time, would leave an index that refers to the code of another version or another signature.
    """

    def save(self, key: Any, data: Any) -> None:
        code = dumps(data)
        super().save(key, (self._source_stamp, key, hashlib.sha256(code).digest(), code))

    def load(self, key: Any) -> Any:
        try:
            stamp, made_for, digest, code = super().load(key)
        except Exception:  # no entry (None), or a damaged one, for which pickle may raise any exception
            return None
        intact = (stamp, made_for, digest) == (self._source_stamp, key, hashlib.sha256(code).digest())
        return pickle.loads(code) if intact else None

    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except Exception:  # as above; the next save writes a new index
            return {}


told = Event()  # set once the user at a terminal has been told what the first call waits for, or need not be told


def announce() -> None:
    """Tell the user at a terminal what the first call waits for, once in a process."""
    if not told.is_set() and sys.stderr is not None and sys.stderr.isatty():
        told.set()
        print("fastmlp: compiling for this CPU; this takes seconds, but only once (`fastmlp warmup` compiles everything)", file=sys.stderr)


class _PackageCache(FunctionCache):
    """Numba's on-disk cache, stamped with the whole package instead of one file, and with the settings that change the code.

    A kernel's machine code contains that of its callees, so an edit in any file of the package makes every entry stale. Numba by itself
    checks only the file of the function that is called.
    """

    def __init__(self, py_func: Callable[..., Any]) -> None:
        super().__init__(py_func)
        self._cache_file = _SignedFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(SOURCE_STAMP, *CACHES, *(str(vars(config)[name]) for name in CODE_SETTINGS)),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load as Numba does. If nothing is found, announce that compilation comes next, since a user at a terminal may wait for it."""
        found = super().load_overload(sig, target_context)
        if found is None:
            announce()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save the code, or continue without saving: a full or read-only disk costs a later compilation, not this run."""
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()


class _Kernel(CPUDispatcher):
    """A kernel as Python calls it. Compiled code calls its `parts`, which are not cached.

    Unless `literals` is set, the parts are compiled once for int64 instead of once for every constant that callers pass.
    """

    def __init__(self, function: Callable[..., Any], options: dict[str, Any], literals: bool = False) -> None:
        super().__init__(function, targetoptions=options, pipeline_class=_WholeCompiler)
        self.parts = CPUDispatcher(function, targetoptions=options, pipeline_class=_PartCompiler)
        self.literals = literals
        with suppress(RuntimeError):  # no writable directory: Numba's null cache stays in place, and kernels are kept in memory
            self._cache = _PackageCache(function)

    def compile(self, sig: Any) -> Any:
        """Compile as Numba does, but with the garbage collector off: traversing the compiler's objects takes a tenth of the time."""
        collecting = gc.isenabled()
        gc.disable()
        try:
            return super().compile(sig)
        finally:
            if collecting:
                gc.enable()

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Return what a call from compiled code with arguments of these types is, compiling the part for it."""
        if not self.literals:
            args, kws = tuple(types.unliteral(a) for a in args), {name: types.unliteral(a) for name, a in kws.items()}
        return self.parts.get_call_template(args, kws)

    def get_overload(self, sig: Any) -> Any:
        """Return the code that such a call is linked with."""
        return self.parts.get_overload(sig)


def kernel(function: Callable[..., Any] | None = None, literals: bool = False, allocates: bool = False, **options: Any) -> Any:
    """Compile a function with the package's flags when it is first called, from compiled code or from Python.

    Code for calls from Python is cached on disk. `literals`: whether constants among the arguments are worth versions of their own.
    `allocates`: whether the function makes arrays; a function that does not counts no references either, which would cost the caller of a
    tile 40 ns for each named view. The other options are Numba's and are added to the flags: ``forceinline=True`` for functions in inner
    loops, ``inline="always"`` for functions that only locate data.
    """
    if function is None:
        return lambda f: kernel(f, literals, allocates, **options)
    return _Kernel(function, FLAGS | {"nopython": True, "boundscheck": None, "_nrt": allocates} | options, literals)


def entry(function: Callable[..., Any] | None = None, allocates: bool = True) -> Any:
    """Compile a kernel that Python calls; most of these make arrays. Tests call the other kernels from Python as well."""
    return kernel(function, allocates=allocates)


def strict_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that is inlined into its callers, with its floating-point operations exactly as written."""
    return kernel(function, allocates=True, forceinline=True, fastmath=False)


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let compiled code call a function of numbers that Python runs as it stands."""
    in_compiled_code(function)(lambda *types: function)
    return function


def in_compiled_code(function: Callable[..., Any], inline: Literal["never", "always"] = "never") -> Any:
    """Decorate a function that maps argument types to the Python function that is compiled in place of `function`.

    inline : "always" for a replacement that may be empty, so that LLVM sees no trace of the call.
    """
    options: Any = FLAGS | {"pipeline_class": _PartCompiler}
    return overload(function, jit_options=options, strict=False, inline=inline)
