# make run      the program in practice mode, against its own local Kite: no account, no money
# make test     every check: format, lint, types, import contracts, dependencies, tests
# make fuzz     all that reads bytes from outside, given bytes that are nearly right, a minute each (FUZZ_S)
# make soak     the program under every fault in turn, for so long: HOURS=0.34 is twenty minutes (docs/endurance.md)
# make lint     the checks without the tests          make format   puts the sources in shape
# make bench    speed against rivals, in a table      make lock     requirements.lock anew from pyproject.toml
# make package  a folder that runs without Python, tried out, and a .deb and an archive of it (dist/)
# make pictures  the pictures of README and docs anew, by the tour
# make package-test  the .deb judged by lintian, installed and purged on a bare Debian (as root)
#
# Each target first brings the machine to where it can run (.ci/prepare.sh).  PYTHON names another interpreter.

export PYTHON ?=
export LC_ALL := C.UTF-8
# Recorded markets and Kite's official samples; tests that need them say so and are skipped where they are not.
export ALPHAPANDA_REAL_DATA ?= $(shell cd ../shared/data 2>/dev/null && pwd)
export ALPHAPANDA_KITE_SAMPLES ?= $(shell cd ../shared/kite 2>/dev/null && pwd)

BIN := .venv/bin
PREPARE := @.ci/prepare.sh
# The order on the page is the order of work, with -j as well: what is read last is pytest's closing line.
.NOTPARALLEL:
.PHONY: run test fuzz soak lint check format bench package package-test pictures lock

run:
	$(PREPARE) run
	@.ci/play.sh

test:
	$(PREPARE) test
	@$(MAKE) --no-print-directory check
	QT_QPA_PLATFORM=offscreen .ci/test.sh $(BIN)/python

fuzz:
	$(PREPARE) test
	@.ci/fuzz.sh $(BIN)/python

soak:
	$(PREPARE) test
	$(BIN)/python -m tests.soak.soak $(or $(HOURS),0.34) build/soak

lint:
	$(PREPARE) lint
	@$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format:
	$(PREPARE) lint
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench:
	$(PREPARE) bench
	@.ci/rivals.sh
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m alphapanda_desktop bench

package:
	$(PREPARE) package
	$(BIN)/pyinstaller --noconfirm --clean --log-level ERROR --workpath build/pyinstaller pyinstaller.spec
	.ci/package/finish.sh dist/alphapanda
	dist/alphapanda/alphapanda --version
	$(BIN)/python .ci/package/tryout.py dist/alphapanda build/package
	.ci/package/deb.sh dist/alphapanda dist

package-test:
	$(PREPARE) package-test
	.ci/package/check-deb.sh dist/*.deb
	.ci/package/chroot.sh dist/*.deb build/package

pictures:
	$(PREPARE) test
	.ci/pictures.sh

lock:
	$(PREPARE) lint
	.ci/lock.sh
