package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestProgress: nothing for two seconds, then a line, then one every five seconds, whether
// anything moves or not.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &progress{out: &out}
		said := func(after time.Duration) string {
			time.Sleep(after)
			synctest.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			defer out.Reset()
			return out.String()
		}
		p.begin("Reading cloud.jsonl", 0, "")
		assert.Empty(t, said(time.Second))
		p.begin("Importing", 2000, "lines")
		p.resume(100)
		p.at(600, "2 refused")
		assert.Equal(t, "Importing: 600 of 2000 lines (30%), 500 a second, about 3s left, 2 refused\n", said(time.Second))
		assert.Empty(t, said(4*time.Second))
		assert.Equal(t, "Importing: 600 of 2000 lines (30%), 83 a second, about 17s left, 2 refused\n", said(time.Second))
		p.begin("Exporting", 0, "lines")
		p.at(50, "")
		assert.Equal(t, "Exporting: 50 lines, 10 a second\n", said(5*time.Second))
		p.end()
		assert.Empty(t, said(time.Minute))
		p.begin("Once more", 0, "")
		p.end()
		assert.Empty(t, said(time.Minute))
	})
}

// TestProgressOnATerminal: a bar, which what is said clears away.
func TestProgressOnATerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &progress{out: &out, terminal: true}
		p.begin("Importing", 2000, "lines")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Empty(t, out.String())
		p.at(500, "")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Contains(t, out.String(), "25%")
		assert.Contains(t, out.String(), "(500/2000")
		p.say("line 7 refused")
		assert.Contains(t, out.String(), "\rline 7 refused\n")
		p.begin("Exporting", 0, "lines") // a spinner: how many there will be is not known
		time.Sleep(time.Second)
		synctest.Wait()
		p.end()
		assert.Contains(t, out.String()[strings.Index(out.String(), "refused"):], "Exporting")
		assert.True(t, strings.HasSuffix(strings.TrimRight(out.String(), " "), "\r"), "the line is left empty: %q", out.String())
	})
}
