# Sourced by what runs LocalStack on this machine.

# python313: the Python that LocalStack 4.14.0 needs: PYTHON313, or the first that is found.
python313() {
  local python
  for python in ${PYTHON313:-} python3.13 "$HOME"/.pyenv/versions/3.13.*/bin/python; do
    if "$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  echo "LocalStack 4.14.0 needs Python 3.13; name one with PYTHON313=" >&2
  return 1
}
