# make lab        opens JupyterLab on notebooks/, installing what it needs the first time
# make test       runs every test: library, notebooks, browser, front end
# make lint       ruff, pyright, tsc, eslint
# make binder     tries the Binder environment, and opens a notebook from it in Chromium
# make clean      removes what was installed and built here
#
#   make lab ARGS="--no-browser --port 8899"     make test ARGS="tests/ops -k tanh"
#   make lab PYTHON=python3.12                   make test EXTRAS=oracle

.DEFAULT_GOAL := help
.PHONY: help lab test lint setup binder clean
export EXTRAS
export PYTHON

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

lab test lint setup:
	@./.make/start $@ $(ARGS)

# Needs the environment that `make test` makes.
binder:
	@.venv/bin/python binder/prove $(ARGS)

clean:
	rm -rf .venv build dist widgets/node_modules autodiff_lab/widgets/static .pytest_cache .ruff_cache .hypothesis
