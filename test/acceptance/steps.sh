# Sourced by the scripts that run several things after one another.

# step NAME COMMAND...: run it, and say what is run and how long it took.
step() {
  local name=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    printf '== %s: %d s\n' "$name" "$((SECONDS - began))"
  else
    local code=$?
    printf '== %s: FAILED with exit code %d after %d s\n' "$name" "$code" "$((SECONDS - began))" >&2
    return "$code"
  fi
}

# python_with REQUIREMENTS [PYTHON]: make a virtual environment that holds exactly what a file of
# requirements pins, below .cache/, and say where it is. It is made again when the file changes.
python_with() {
  local file=$1 python=${2:-python3} name sum dir
  name=$(basename "$file" .txt)
  sum=$(sha256sum "$file" | cut -c1-8)
  dir=$PWD/.cache/$name-$sum
  if [ ! -e "$dir/complete" ]; then
    rm -rf "$dir"
    "$python" -m venv "$dir" >&2
    "$dir/bin/pip" install --quiet --disable-pip-version-check --requirement "$file" >&2
    touch "$dir/complete"
  fi
  printf '%s\n' "$dir"
}

# until_there SECONDS COMMAND...: wait until it succeeds; give up sooner when the process that was
# started last, ${pids[-1]}, has ended.
until_there() {
  local tries=$(($1 * 10))
  shift
  until "$@"; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ] || ! kill -0 "${pids[-1]}" 2>/dev/null; then
      echo "gave up waiting for: $*" >&2
      return 1
    fi
    sleep 0.1
  done
}
