"""Input objects: frozen, closed models whose numbers are parameters with a unit, bounds and evidence.

A written parameter is a number, a string with a unit, a :class:`Schedule`, a :class:`Formula` or a
:class:`Distribution`, and may carry its provenance:
``x = {value = 1.1, source = "key", grade = "published", note = "…"}``. Resolving replaces every Distribution by its
median or by one vector of draws, and every field that may be scheduled by a ``(step, …)`` trajectory.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from inspect import get_annotations
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeAlias, cast

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from costmodel.foundation.currencies import uses
from costmodel.foundation.errors import CostModelError, ScenarioError, UnknownParameterError, near_matches
from costmodel.foundation.plausible import RANGES
from costmodel.foundation.provenance import Grade, Provenance
from costmodel.foundation.schedules import parse_date
from costmodel.foundation.values import ParameterSpec, Resolver, Value, read_parameter, written_value

if TYPE_CHECKING:
    from costmodel.foundation.arrays import FloatArray

    Parameter: TypeAlias = FloatArray | Any
else:
    Parameter = Any  # pydantic only reads the annotation; ``parameter`` parses the value
"""Type of a field with a written parameter; a float or an array once it is resolved."""

LARGEST_COUNT = 2**53
"""Largest whole number read [1]: up to it, a double holds every whole number."""


def _countable(value: int) -> int:
    if abs(value) > LARGEST_COUNT:
        bound = {"most": LARGEST_COUNT}
        raise PydanticCustomError("count", "Input should be a whole number from -{most} to {most}", bound)
    return value


Count = Annotated[int, Field(strict=True), AfterValidator(_countable)]
"""Type of a whole number; rejects ``True``, ``"3"``, ``3.0`` and more than `LARGEST_COUNT`."""
Flag = Annotated[bool, Field(strict=True)]
"""Type of a Boolean; rejects everything else, such as 0 or ``"true"``."""
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""Type of a number in the unit of its field; rejects ``True``, ``"3"``, NaN and infinity."""
Date = Annotated[dt.date, BeforeValidator(parse_date)]
"""Type of a date: ``2026-07-01``, ``2026-07`` or a TOML date."""

_MISSING: Any = ...
_SINGLE = frozenset({float, int, bool, str, type(None), dt.date, np.float64})
"""Types of values without parts: no draws and no parameters are in them."""


def parameter(
    unit: str,
    *,
    description: str,
    default: Any = _MISSING,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    trajectory: bool = False,
    growth: bool = False,
    optional: bool = False,
    grade: Grade = Grade.ASSUMED,
    note: str | None = None,
    plausible: tuple[float, float] | None = None,
) -> Any:
    """Declare a parameter of an input object.

    Parameters
    ----------
    unit
        Canonical unit of the value; strings with another unit are converted to it.
    description
        One line on the meaning, with the sign if it could be in doubt.
    default
        Value if none is written; without a default the parameter is required.
    ge, gt, le, lt
        Bounds, checked on numbers, schedules, the support of distributions and draws.
    trajectory
        Whether a schedule may be written; the resolved value then always has a leading step axis.
    growth
        Whether it is a rate of growth that may be scheduled; the resolved value is then a
        :class:`~costmodel.foundation.rates.VaryingRate`, which enters through its integral.
    optional
        Whether the parameter may be absent, which often means "no limit".
    grade, note
        Evidence for the default.
    plausible
        Least and greatest magnitude of a number other than 0 that is written without its unit. None: those of the unit
        for a field of the library, no limit for other fields.
    """
    spec = ParameterSpec(unit, ge, gt, le, lt, trajectory, optional, description, grade, note, plausible, growth)
    if optional and default is _MISSING:
        default = None
    return Field(default=default, description=description, json_schema_extra={"parameter": spec.as_dict()})


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _InputsMeta(ModelMetaclass):
    """Metaclass that turns pydantic's errors at construction into the library's own."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except ValidationError as error:
            raise _own_error(error, cast("type[BaseModel]", self)) from None


class _FieldError(ValueError):
    """Error of one field on its way through pydantic, which adds the path of its parent."""

    def __init__(self, field: str, error: CostModelError) -> None:
        super().__init__(str(error))
        self.field = field
        self.error = error


def _own_error(error: ValidationError, model: type[BaseModel]) -> CostModelError:
    """Build the library's error for the first of pydantic's, with the given value, its path and what is allowed."""
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"]]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, _FieldError):
        path = ".".join([*location, cause.field])
        return type(cause.error)(f"{path}: {cause.error}")
    path = ".".join(location) or model.__name__
    if first["type"] == "extra_forbidden":
        owner = _model_at(model, location[:-1])
        hint = near_matches(location[-1], owner.model_fields) if owner else ""
        return UnknownParameterError(f"{path}: there is no such entry{hint}")
    if first["type"] == "missing":
        return ScenarioError(f"{path}: is missing and has no default")
    if isinstance(cause, CostModelError):
        return type(cause)(f"{path}: {cause}" if location else str(cause))
    given = first.get("input")
    return ScenarioError(f"{path}: {first['msg']}; given {str(given)[:80]!r}")


def _model_at(model: type[BaseModel], location: list[str]) -> type[BaseModel] | None:
    """Return the model class at a path, as far as classes are known."""
    for part in location:
        field = model.model_fields.get(part)
        if field is None:
            continue
        nested = _nested_model(field)
        if nested is None:
            return None
        model = nested
    return model


def _nested_model(field: FieldInfo) -> type[BaseModel] | None:
    candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)


class Inputs(BaseModel, metaclass=_InputsMeta):
    """Base of every input object: frozen, closed, strict about numbers.

    Examples
    --------
    >>> class Energy(Inputs):
    ...     price: Parameter = parameter("USD/Wh", ge=0, description="Price of electricity.")
    >>> round(Energy(price="80 USD/MWh").price * 1e6, 9)
    80.0
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True, protected_namespaces=()
    )
    _provenance: dict[str, Provenance] = PrivateAttr(default_factory=dict)
    _in_currency: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def reading(cls, data: Mapping[str, Any]) -> AbstractContextManager[None]:
        """Return a context for reading an object; a scenario sets its exchange rates in it."""
        return nullcontext()

    @classmethod
    def specs(cls) -> dict[str, ParameterSpec]:
        """Return the declared parameters of this class by field name."""
        found = cls.__dict__.get("_specs_of_class")
        if found is None:
            found = {
                name: _with_sizes(cls, name, ParameterSpec(**field.json_schema_extra["parameter"]))  # type: ignore[arg-type]
                for name, field in cls.model_fields.items()
                if isinstance(field.json_schema_extra, dict) and "parameter" in field.json_schema_extra
            }
            type.__setattr__(cls, "_specs_of_class", found)
        return found

    @model_validator(mode="wrap")
    @classmethod
    def _read(cls, data: Any, handler: Any) -> Any:
        """Parse every written parameter into its value and its provenance."""
        if not isinstance(data, Mapping):
            return handler(data)
        specs, values, notes, foreign = cls.specs(), dict(data), {}, {}
        with cls.reading(data):
            for name in data.keys() & specs.keys():
                before = uses()
                try:
                    values[name], note = read_parameter(data[name], specs[name])
                except CostModelError as error:
                    raise _FieldError(name, error) from None
                if note is not None:
                    notes[name] = note
                if uses() > before:
                    foreign[name] = data[name]
            model = handler(values)
        model._provenance, model._in_currency = notes, foreign
        return model

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Any, ParameterSpec, Provenance]]:
        """Yield path, value, declaration and provenance of every parameter, in declared order."""
        specs = type(self).specs()
        for name in type(self).model_fields:
            value, path = getattr(self, name), f"{prefix}{name}"
            if name in specs:
                spec = specs[name]
                yield path, value, spec, self._provenance.get(name, Provenance(None, spec.grade, spec.note))
            else:
                for key, nested in _children(value):
                    yield from nested.walk(f"{path}.{key}." if key else f"{path}.")

    def drawn(self) -> int | None:
        """Return the number of draws of a resolved object; None without draws."""
        specs = type(self).specs()
        for name, value in self.__dict__.items():
            if type(value) in _SINGLE:
                continue
            if name in specs:
                if getattr(value, "ndim", 0) > (1 if specs[name].trajectory else 0):
                    return int(value.shape[-1])
                continue
            for _, nested in _children(value):
                if (found := nested.drawn()) is not None:
                    return found
        return None

    def resolved(self, resolver: Resolver, prefix: str = "") -> Self:
        """Return this object with every parameter replaced by its resolved value."""
        specs, updates = type(self).specs(), {}
        for name, value in self.__dict__.items():
            if name in specs:
                updates[name] = resolver.resolve(f"{prefix}{name}", value, specs[name])
            elif type(value) in _SINGLE:
                continue
            elif isinstance(value, Inputs):
                updates[name] = value.resolved(resolver, f"{prefix}{name}.")
            elif isinstance(value, dict) and any(isinstance(item, Inputs) for item in value.values()):
                updates[name] = {k: item.resolved(resolver, f"{prefix}{name}.{k}.") for k, item in value.items()}
            elif isinstance(value, tuple) and any(isinstance(item, Inputs) for item in value):
                updates[name] = tuple(item.resolved(resolver, f"{prefix}{name}.{i}.") for i, item in enumerate(value))
        return self.model_copy(update=updates)

    def written(self, *, defaults: bool = True) -> dict[str, Any]:
        """Return the written form: nested tables of numbers, texts and tables, without absent entries.

        An amount in another currency stays as written, so that its rate can still change.
        """
        specs, form = type(self).specs(), {}
        notes = self._provenance
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is None or (not defaults and name not in self.model_fields_set):
                continue
            key = field.alias or name
            if name in self._in_currency:
                form[key] = self._in_currency[name]
            else:
                form[key] = written_value(value, notes.get(name), specs[name]) if name in specs else _plain(value)
        return form


def _with_sizes(model: type[BaseModel], name: str, spec: ParameterSpec) -> ParameterSpec:
    """Add the plausible range of the unit to a field of the library without its own."""
    owner = next((base for base in model.__mro__ if name in get_annotations(base)), model)
    known = RANGES.get(spec.unit) if owner.__module__.startswith(f"{__name__.partition('.')[0]}.") else None
    return spec if known is None or spec.plausible else replace(spec, plausible=(known.low, known.high))


def _children(value: Any) -> Iterator[tuple[str, Inputs]]:
    """Yield the nested input objects of a field with the path part that leads to them."""
    if isinstance(value, Inputs):
        yield "", value
    elif isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items() if isinstance(item, Inputs))
    elif isinstance(value, tuple):
        yield from ((str(i), item) for i, item in enumerate(value) if isinstance(item, Inputs))


def _plain(value: Any) -> Any:
    """Return a non-parameter field as a value that TOML and JSON can represent."""
    if isinstance(value, Inputs):
        return value.written()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and hasattr(value, "written"):  # a name that stands for a table
        return value.written()
    return value.isoformat() if isinstance(value, dt.date) else value


def set_path(form: dict[str, Any], path: str, value: Value | Mapping[str, Any] | Any, known: list[str]) -> None:
    """Set one entry of a written form by its dotted path, in place.

    Raises
    ------
    UnknownParameterError
        If the path does not exist; the message names near matches.
    """
    parts = path.split(".")
    if len(parts) == 1 and path not in known:
        raise UnknownParameterError(f"{path}: there is no such entry{near_matches(path, known)}")
    node: Any = form
    for part in parts[:-1]:
        node = _step_into(node, part, path, known)
    if isinstance(node, list):
        _step_into(node, parts[-1], path, known)
        node[int(parts[-1])] = value
    elif isinstance(node, dict):
        node[parts[-1]] = value
    else:
        raise UnknownParameterError(f"{path}: there is no such parameter{near_matches(path, known)}")


def is_place(part: str) -> bool:
    """Return whether a part of a path is an index of a list: a few decimal digits, not a character such as ``²``."""
    return part.isascii() and part.isdecimal() and len(part) < 10


def _step_into(node: Any, part: str, path: str, known: list[str]) -> Any:
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list) and is_place(part) and int(part) < len(node):
        return node[int(part)]
    raise UnknownParameterError(f"{path}: there is no such parameter{near_matches(path, known)}")
