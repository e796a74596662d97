"""Builds the binding against CPython's stable ABI: one wheel for Python 3.9 and later."""
import os

from setuptools import Extension, setup

EMBED = "../src/embed/"
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), EMBED, "sources.txt")) as listed:
    SOURCES = [EMBED + name for name in listed.read().split()]

setup(
    ext_modules=[
        Extension(
            "rankscope._native",
            ["rankscope/_native.c", *SOURCES],
            include_dirs=["../src"],
            extra_compile_args=["-std=gnu11", "-O2", "-fvisibility=hidden"],
            libraries=["m"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
