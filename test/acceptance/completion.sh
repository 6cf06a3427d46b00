#!/usr/bin/env bash
# What `mandate completion` gives zsh and fish, in these shells themselves. A test of cmd/mandate
# has bash type Tabs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
make -s bin/mandate
PATH=$PWD/bin:$PATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/cloud.jsonl"
cd "$work"
export HOME=$work

# offers LINE WANT: what fish offers for a line.
offers() {
  local got
  got=$(fish -c 'mandate completion -c fish | source; complete -C $argv[1]' "$1" | tr '\n' ' ')
  [[ " $got" == *" $2 "* ]] || { echo "fish offers for $1: $got" >&2; exit 1; }
}
offers 'mandate im' import
offers 'mandate import --j' --json
offers 'mandate import clo' cloud.jsonl
echo "ok: fish"

# zsh on a terminal of its own: two words and a file, with a Tab each.
timeout 60 zsh -f <<'ZSH'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'autoload -Uz compinit; compinit -u; source <(mandate completion -c zsh); print rea""dy'
zpty -r shell out '*ready*'
zpty -w -n shell $'mandate impo\t --jso\t clou\t'
zpty -r shell out '*import*--json*cloud.jsonl*'
zpty -d shell
print "ok: zsh"
ZSH
