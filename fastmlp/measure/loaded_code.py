"""Find the functions whose machine code LLVM has loaded into this process, and their addresses.

LLVM registers all code that it compiles or loads, Numba's included, for debuggers: a linked list of ELF files in memory, whose sections
know their addresses. The list and its layout are defined by GDB, in the section "JIT Compilation Interface" of its manual. Because LLVM
keeps this list, a profiler can ask for names at any time, and functions loaded from the cache are in it as well as compiled ones.
"""

from __future__ import annotations

import ctypes
import io
from collections.abc import Iterator
from typing import NamedTuple

from llvmlite.binding import ffi

from ..files.optional import optional

LIST = "__jit_debug_descriptor"
REFERENCE = "LLVMPY_FinalizeObject"  # a function of the library whose address in memory is known


class _Object(ctypes.Structure):
    """GDB's struct jit_code_entry: one ELF file in memory."""


_Object._fields_ = [
    ("next", ctypes.POINTER(_Object)),
    ("previous", ctypes.POINTER(_Object)),
    ("address", ctypes.c_void_p),
    ("size", ctypes.c_uint64),
]


class _Objects(ctypes.Structure):
    """GDB's struct jit_descriptor; `first` is the file that was loaded last."""

    _fields_ = (
        ("version", ctypes.c_uint32),
        ("action", ctypes.c_uint32),
        ("relevant", ctypes.POINTER(_Object)),
        ("first", ctypes.POINTER(_Object)),
    )


class Function(NamedTuple):
    """A compiled function in memory."""

    symbol: str
    address: int
    size: int  # bytes


class LoadedCode:
    """Read LLVM's list repeatedly; each reading returns what has been loaded since the last one.

    Numba never unloads code, so the list only grows, and new entries come first.

    Raises
    ------
    ImportError
        If lief, which reads ELF files, is not installed.
    RuntimeError
        If the address of the list cannot be found in LLVM's library.
    """

    def __init__(self) -> None:
        self._elf = optional("lief", "perf", "finding functions in memory").ELF
        self._list = self._find_list()
        self._seen: int | None = None

    def _find_list(self) -> _Objects:
        """Find the list by the dynamic linker if its symbol is exported, otherwise by the library's full symbol table."""
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
        """Yield the functions loaded since the last call; the first call yields all of them."""
        seen, entry = self._seen, self._list.first
        if entry:
            self._seen = entry.contents.address
        while entry and entry.contents.address != seen:
            file = self._elf.parse(io.BytesIO(ctypes.string_at(entry.contents.address, entry.contents.size)))
            for symbol in file.symtab_symbols:
                if symbol.is_function and symbol.section is not None:  # without a section, the function is only called here
                    yield Function(symbol.name, symbol.section.virtual_address + symbol.value, symbol.size)
            entry = entry.contents.next
