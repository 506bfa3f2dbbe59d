"""The machine code that LLVM has loaded into this process: which function lies where.

LLVM tells debuggers of all code that it compiles or loads, Numba's included, by a list of ELF files in memory whose sections know their
addresses. The list and its layout are GDB's: section "JIT Compilation Interface" of its manual. So nothing has to be kept for a profiler
that comes later, and what was loaded from the cache is there with what was compiled.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from typing import NamedTuple

from llvmlite.binding import ffi

from ..files.optional import optional

LIST = "__jit_debug_descriptor"
REFERENCE = "LLVMPY_FinalizeObject"  # a function of the library whose address is known


class _Object(ctypes.Structure):
    """GDB's struct jit_code_entry: one ELF file in memory."""


_Object._fields_ = [
    ("next", ctypes.POINTER(_Object)),
    ("previous", ctypes.POINTER(_Object)),
    ("address", ctypes.c_void_p),
    ("size", ctypes.c_uint64),
]


class _Objects(ctypes.Structure):
    """GDB's struct jit_descriptor: `first` is what was loaded last."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("action", ctypes.c_uint32),
        ("relevant", ctypes.POINTER(_Object)),
        ("first", ctypes.POINTER(_Object)),
    )


class Function(NamedTuple):
    """A function in memory."""

    symbol: str
    address: int
    size: int  # bytes


class LoadedCode:
    """Looks at LLVM's list again and again; each look sees what is new.

    Numba never unloads code, so the list only grows, at its beginning.

    Raises
    ------
    ImportError
        If lief, which reads ELF files, is not installed.
    RuntimeError
        If LLVM's library does not say where its list is.
    """

    def __init__(self) -> None:
        self._elf = optional("lief", "perf", "finding functions in memory").ELF
        self._list = self._find_list()
        self._seen: int | None = None

    def _find_list(self) -> _Objects:
        """The list: by the dynamic linker where its symbol is exported, else by the library's full table of symbols."""
        library = ctypes.CDLL(ffi.lib._name)
        try:
            return _Objects.in_dll(library, LIST)
        except ValueError:
            file = self._elf.parse(ffi.lib._name)
        if file is None:
            raise RuntimeError(f"functions in memory cannot be found: {ffi.lib._name} cannot be read")
        found = file.get_symtab_symbol(LIST)
        if found is None:
            raise RuntimeError(f"functions in memory cannot be found: {ffi.lib._name} has no symbol {LIST}")
        loaded_at = ctypes.cast(library[REFERENCE], ctypes.c_void_p).value or 0
        return _Objects.from_address(loaded_at - file.get_dynamic_symbol(REFERENCE).value + found.value)

    def new_functions(self) -> Iterator[Function]:
        """Those loaded since the last call; all of them at the first."""
        seen, entry = self._seen, self._list.first
        if entry:
            self._seen = entry.contents.address
        while entry and entry.contents.address != seen:
            file = self._elf.parse(io.BytesIO(ctypes.string_at(entry.contents.address, entry.contents.size)))
            for symbol in file.symtab_symbols:
                if symbol.is_function and symbol.section is not None:  # else a function that is called and lies elsewhere
                    yield Function(symbol.name, symbol.section.virtual_address + symbol.value, symbol.size)
            entry = entry.contents.next
