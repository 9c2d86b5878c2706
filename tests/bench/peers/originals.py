"""gunpowder and dacapo's nodes, without the rest of dacapo.

dacapo's package imports its training side, databases and viewers as soon as anything of it is imported. Its nodes and predictors need
none of that: here the packages above them are bare (their __init__ is not run), and torch, of which a predictor only names a type or two
when it makes a model, is an empty stand-in where it is not installed. The code that is measured is upstream's own, unchanged but for one thing:
balance_weights gets eager arrays (upstream multiplies a lazy mask in place and loses the weights).
"""
import functools
import importlib
import importlib.util
import logging
import sys
import types
import warnings

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

import numpy as np


class StandIn(types.ModuleType):
    """A module with anything in it."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {})
        setattr(self, name, value)
        return value


def bare_package(name, places, **content):
    package = types.ModuleType(name)
    package.__path__ = list(places)
    package.__dict__.update(content)
    sys.modules[name] = package
    return package


@functools.cache
def dacapo():
    """(dacapo.gp, dacapo.experiments.tasks.predictors)"""
    places = importlib.util.find_spec("dacapo").submodule_search_locations
    if importlib.util.find_spec("torch") is None:
        for name in ("torch", "torch.nn", "torch.nn.functional"):
            sys.modules[name] = StandIn(name)
    bare_package("dacapo", places)
    bare_package("dacapo.experiments", [f"{p}/experiments" for p in places], Model=object)
    bare_package("dacapo.experiments.tasks", [f"{p}/experiments/tasks" for p in places])
    bare_package("dacapo.utils", [f"{p}/utils" for p in places])
    gp = importlib.import_module("dacapo.gp")
    predictors = importlib.import_module("dacapo.experiments.tasks.predictors")
    for name in ("distance_predictor", "hot_distance_predictor"):
        module = importlib.import_module(f"dacapo.experiments.tasks.predictors.{name}")
        module.balance_weights = eager(module.balance_weights)
    return gp, predictors


def eager(balance):
    def with_arrays(label_data, *rest, masks=(), **named):
        return balance(np.asarray(label_data), *rest, masks=[np.asarray(m) for m in masks], **named)

    return with_arrays
