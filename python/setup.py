"""Builds the binding against CPython's stable ABI: one wheel for Python 3.9 and later."""
from setuptools import Extension, setup

EMBED = "../src/embed/"

setup(
    ext_modules=[
        Extension(
            "rankscope._native",
            ["rankscope/_native.c", EMBED + "rankscope_embed.c", EMBED + "ring.c"],
            include_dirs=["../src"],
            extra_compile_args=["-std=gnu11", "-O2", "-fvisibility=hidden"],
            libraries=["m"],
            py_limited_api=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
