package main

import kongcompletion "github.com/jotaen/kong-completion"

// completionCommand prints a line for a shell's init file, or what this line evaluates. The
// shell then calls mandate at every Tab, so nothing grows stale with a new version.
type completionCommand struct{ kongcompletion.Completion }

// Help is shown below the flags.
func (*completionCommand) Help() string {
	return `Without --code, says what to put into the shell's init file.

Examples:
  $ mandate completion bash
    how to turn it on in bash
  $ source <(mandate completion -c bash)
    turn it on in this shell (zsh alike; fish: mandate completion -c fish | source)`
}
