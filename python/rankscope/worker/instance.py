"""Further instances of a detector, which share no state with it."""

import copy
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


def _own(function, memo):
    if not isinstance(function, types.FunctionType) or not function.__closure__:
        return function
    closure = tuple(_own_cell(cell, memo) for cell in function.__closure__)
    own = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__, closure)
    own.__kwdefaults__ = function.__kwdefaults__
    return own


def _own_cell(cell, memo):
    """Of the detector, or of a part of it; what else a function holds is its own affair."""
    try:
        held = id(cell.cell_contents)
    except ValueError:  # nothing yet
        return cell
    return types.CellType(memo[held]) if held in memo else cell
