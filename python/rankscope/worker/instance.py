"""Further instances of a detector, which share no state with it."""

import copy
import functools
import types


def instance(detector):
    """A deep copy. To copy.deepcopy a function is one value, whatever it holds: conditions that are lambdas, or functions
    inside of __init__, would go on to see the first instance as their `self`. Raises what copying raises.
    """
    memo = {}
    made = copy.deepcopy(detector, memo)
    for rule in made.rules:
        rule.condition = _own(rule.condition, memo)
    return made


def _own(value, memo):
    """What the value is to the copy: another where it is of the detector, or calls for it in whatever way. What else a
    function holds is its own affair.
    """
    if id(value) in memo:
        return memo[id(value)]
    if not _concerns(value, memo, set()):
        return value
    if isinstance(value, types.MethodType):
        return types.MethodType(_own(value.__func__, memo), _own(value.__self__, memo))
    if isinstance(value, functools.partial):
        given = {name: _own(argument, memo) for name, argument in value.keywords.items()}
        return functools.partial(_own(value.func, memo), *(_own(argument, memo) for argument in value.args), **given)
    return _own_function(value, memo)


def _own_function(function, memo):
    cells = function.__closure__ or ()
    own_cells = tuple(_own_cell(cell, memo) for cell in cells)
    own = types.FunctionType(function.__code__, function.__globals__, function.__name__, None, own_cells)
    memo[id(function)] = own  # before its parts: it may call itself
    for cell, own_cell in zip(cells, own_cells):
        if own_cell is not cell:
            own_cell.cell_contents = _own(cell.cell_contents, memo)
    own.__defaults__ = function.__defaults__ and tuple(_own(value, memo) for value in function.__defaults__)
    own.__kwdefaults__ = function.__kwdefaults__ and {n: _own(v, memo) for n, v in function.__kwdefaults__.items()}
    return own


def _own_cell(cell, memo):
    """The cell itself where it is no matter of the detector, else one still to be filled: one for all who share it."""
    if not any(_concerns(value, memo, set()) for value in _contents(cell)):
        return cell
    return memo.setdefault(id(cell), types.CellType())


def _concerns(value, memo, seen):
    """Whether it is of the detector, or a function that reaches a part of it."""
    if id(value) in memo:
        return True
    if id(value) in seen:
        return False
    seen.add(id(value))
    return any(_concerns(part, memo, seen) for part in _parts(value))


def _parts(value):
    if isinstance(value, types.FunctionType):
        held = [content for cell in value.__closure__ or () for content in _contents(cell)]
        return [*held, *(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    return []


def _contents(cell):
    try:
        return [cell.cell_contents]
    except ValueError:  # nothing yet
        return []
