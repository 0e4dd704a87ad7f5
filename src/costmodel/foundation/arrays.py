"""Arrays and shape letters.

Shape letters used in every docstring:

* ``()`` a scalar, ``(draw,)`` one value per draw of an ensemble;
* ``step`` time steps, where flows and rates live (T values);
* ``bound`` step bounds, where stocks live (T+1 values);
* ``workload``, ``vintage``, ``asset`` (asset class), ``line`` (product line of accelerators).

Structural axes come first, draws last: a trajectory is ``(step, …) + batch`` with batch ``()`` or ``(draw,)``.
The same code computes a scalar and an ensemble.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import update_wrapper
from itertools import zip_longest
from types import FunctionType
from typing import Any, TypeAlias, TypeVar, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from costmodel.foundation.grids import any_large, piece_by_piece, spread, without_repeats

FloatArray: TypeAlias = NDArray[np.float64]
Numeric: TypeAlias = "float | FloatArray"
"""A number or a broadcastable array: the argument and return type of formulas.

A type checker allows only operations that both support: use `as_array` where an array is needed.
"""

_Function = TypeVar("_Function", bound=Callable[..., Any])

FORMULAS: dict[str, Callable[..., Any]] = {}
"""All registered formulas by ``module:function``; law and coverage tests iterate over this table."""
STEP_FORMULAS: set[str] = set()
"""Formulas that the flywheel's step function calls; they compile under numba unchanged."""


def formula(*, step: bool = False, pointwise: bool = False) -> Callable[[_Function], _Function]:
    """Register a public pure function as a formula.

    A formula takes positional-or-keyword arguments, broadcasts, and has no ``if`` on a value; it needs a
    strategy in ``costmodel.testing`` and a reference test, or the suite fails. It computes in double
    precision for any input: integers, 32-bit numbers and lists are converted first. For a call from outside the
    library, arguments are checked against the ranges in the docstring, and the result must be finite if the arguments
    are, unless the docstring states where it is not: a pole inside the range, a case without a value and an overflow
    raise an error that names the arguments. Calls from the library's own modules and from a model's run are unchecked.

    Parameters
    ----------
    step
        Whether the flywheel's step function calls it, so that the wrapped function (``__wrapped__``) must compile under
        numba unchanged.
    pointwise
        Whether each entry of the result depends only on the same entry of the arguments, so that large grids may be
        checked and computed without their repeats, or computed in pieces (:mod:`costmodel.foundation.grids`).
    """

    def register(function: _Function) -> _Function:
        name = f"{function.__module__}:{function.__qualname__}"
        called = _in_double_precision(function, pointwise)
        FORMULAS[name] = called
        if step:
            STEP_FORMULAS.add(name)
        return called

    return register


_IN_MODEL: ContextVar[bool] = ContextVar("in_model", default=False)
"""Whether a model is running; its results are checked afterwards, by name."""
_CHOICES = ("str", "Literal", "bool", "int")
"""Annotations of arguments that select a method rather than hold a value."""


def holds_value(annotation: Any) -> bool:
    """Return whether an annotation marks an argument as a value, not as the choice of a method.

    Examples
    --------
    >>> holds_value("Numeric"), holds_value("Literal['a', 'b']"), holds_value("int | None")
    (True, False, False)
    """
    return str(annotation).split("[")[0].split(" ")[0] not in _CHOICES


def _in_double_precision(function: _Function, pointwise: bool) -> _Function:
    """Return a formula that converts its arguments, and checks arguments from outside the library.

    In 32 bits, intermediate results would overflow or lose digits.
    """
    at_a_pole = _pole_error
    in_model, make, frame, library = _IN_MODEL, _guard_of, sys._getframe, f"{__name__.partition('.')[0]}."
    as_double, double, align, known = _as_double, _DOUBLE, zip_longest, list[Any]()
    large, fewer, spread_to = any_large, without_repeats, spread
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    values = [holds_value(function.__annotations__.get(name)) for name in names]
    choices = {name for name, holds in zip(names, values, strict=True) if not holds}

    def in_pieces(*given: Any) -> Any:
        return piece_by_piece(function, given)

    def in_double(*given: Any, **named: Any) -> Any:
        outside = not (in_model.get() or frame(1).f_globals.get("__name__", "").startswith(library))
        grid = given
        computed: Callable[..., Any] = function
        if pointwise and not named and large(given):
            given, computed = fewer(given), in_pieces
        if outside:
            if not known:
                known.append(make(function))
            known[0].check(given, named)
        for argument in given:
            if type(argument) is not float and getattr(argument, "dtype", None) is not double:
                given = tuple(as_double(item) if holds else item for item, holds in align(given, values[: len(given)]))
                break
        for name, argument in named.items():
            if type(argument) is not float and name not in choices:
                named[name] = as_double(argument)
        try:
            found = known[0].finite(computed, given, named) if outside else computed(*given, **named)
            return found if computed is function else spread_to(found, *grid)
        except ZeroDivisionError:  # Python numbers raise an error where an array would hold an infinity
            raise at_a_pole(function) from None

    # It gets the globals of the formula's own module, by which doctest takes a function for that module's.
    own = FunctionType(in_double.__code__, function.__globals__, function.__name__, None, in_double.__closure__)
    return cast("_Function", update_wrapper(own, function))


def _pole_error(function: Callable[..., Any]) -> Exception:
    from costmodel.foundation.errors import DomainError

    return DomainError(f"{function.__name__}: has no value at these arguments, since it divides by 0; change them")


def _guard_of(function: Callable[..., Any]) -> Any:
    from costmodel.foundation.ranges import Guard

    return Guard(function)


_DOUBLE = np.dtype(np.float64)


def _as_double(value: Any) -> Any:
    """Return a number, an array or a list of numbers in double precision, and anything else unchanged."""
    if isinstance(value, int):
        return float(value)
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if getattr(value, "dtype", _DOUBLE) is _DOUBLE or value.dtype.kind not in "iuf" or value.dtype.itemsize > 8:
        return value
    return value.astype(_DOUBLE) if isinstance(value, np.ndarray) else np.float64(value)


def as_array(values: ArrayLike) -> FloatArray:
    """Return values as an array; a traced array (`costmodel.foundation.tracing`) is returned unchanged.

    Examples
    --------
    >>> as_array(1.5)
    array(1.5)
    """
    if type(values) is np.ndarray or hasattr(values, "graph"):
        return cast(FloatArray, values)
    return np.asarray(values)


def broadcast(values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Return an array broadcast to a shape; itself where it has that shape, as all arrays of a scalar run do.

    Examples
    --------
    >>> broadcast(np.zeros(1), (2, 3)).shape
    (2, 3)
    """
    return values if values.shape == shape else np.broadcast_to(values, shape)


def readonly(values: ArrayLike) -> FloatArray:
    """Return ``values`` as a read-only array, without copying if possible.

    Examples
    --------
    >>> readonly([1.0, 2.0]).flags.writeable
    False
    """
    if hasattr(values, "graph"):
        return cast(FloatArray, values)
    array = np.asarray(values, dtype=np.float64).view()
    array.flags.writeable = False
    return array


def frozen(value: Any) -> Any:
    """Return an array as a read-only view, and anything else unchanged.

    Examples
    --------
    >>> frozen(np.zeros(2)).flags.writeable, frozen(1.0)
    (False, 1.0)
    """
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.flags.writeable = False
    return view


@overload
def ordered_sum(terms: Iterable[FloatArray]) -> FloatArray: ...
@overload
def ordered_sum(terms: Iterable[Numeric]) -> Numeric: ...
def ordered_sum(terms: Iterable[Numeric]) -> Numeric:
    """Add terms from first to last, so that the result does not depend on how draws are blocked.

    Examples
    --------
    >>> ordered_sum([1.0, 2.0, 3.5])
    6.5
    """
    rest = iter(terms)
    total: Numeric = next(rest, 0.0)
    own = False  # whether ``total`` is an array created here, to which the next term may be added in place
    for term in rest:
        if own and isinstance(total, np.ndarray) and isinstance(term, np.ndarray) and total.shape == term.shape:
            np.add(total, term, out=total)
        else:
            total = total + term
            own = isinstance(total, np.ndarray) and total.dtype == np.float64
    return total


@contextmanager
def quiet() -> Iterator[None]:
    """Suspend numerical warnings and checks of formulas while a model runs; its results are checked by name."""
    if _IN_MODEL.get():
        yield
        return
    token = _IN_MODEL.set(True)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _IN_MODEL.reset(token)
