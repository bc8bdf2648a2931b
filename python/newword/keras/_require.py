"""Says what to install where Keras is missing; imported before everything else of this package."""

from newword._optional import optional_module

optional_module("keras", "keras", "Layers")
