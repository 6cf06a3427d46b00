package local

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestLend: while deliveries are long there are more processors, and afterwards as many as before.
func TestLend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := runtime.GOMAXPROCS(0)
		var l lender
		l.lend()()
		time.Sleep(time.Minute)
		require.Equal(t, own, runtime.GOMAXPROCS(0), "a short one")

		first := l.lend()
		time.Sleep(longWork + time.Millisecond)
		require.Equal(t, lendTimes*own, runtime.GOMAXPROCS(0))
		first()
		time.Sleep(lendAfter / 2)
		second := l.lend()
		time.Sleep(lendAfter)
		require.Equal(t, lendTimes*own, runtime.GOMAXPROCS(0), "kept for the next")
		second()
		time.Sleep(lendAfter + time.Millisecond)
		require.Equal(t, own, runtime.GOMAXPROCS(0), "given back")
	})
}
