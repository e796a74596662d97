# The two commands of the README. Each installs what it needs (apt; as root or with sudo), builds, and runs.
PRESET ?= release

.PHONY: build demo test deps

deps:
	tools/install_deps.sh

build: deps
	cmake --preset $(PRESET)
	cmake --build --preset $(PRESET)

demo: build
	tools/demo.sh

test: build
	TORCH_PYTHON=$$(tools/torch_python.sh) ctest --preset $(PRESET) --output-junit tests.xml || \
	  { python3 tools/failures.py build/$(PRESET)/tests.xml; exit 1; }
