package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"mandate/shared/secret"
)

const plain = "s3cr3t-plain-text"

// holder has a secret where fmt may call its methods and where it may not.
type holder struct {
	Exported secret.Text
	hidden   secret.Text
	list     []secret.Text
	byName   map[string]secret.Text
	pointer  *secret.Text
	inner    struct{ deep any }
}

func newHolder() holder {
	t := secret.New(plain)
	h := holder{Exported: t, hidden: t, list: []secret.Text{t}, byName: map[string]secret.Text{"k": t}, pointer: &t}
	h.inner.deep = t
	return h
}

func TestTextNeverPrints(t *testing.T) {
	h := newHolder()
	for name, v := range map[string]any{
		"itself": h.Exported, "pointer": h.pointer, "struct": h, "pointer to struct": &h, "slice": h.list, "map": h.byName,
		"map key": map[secret.Text]int{h.Exported: 1},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%o", "%c", "%U", "%e", "%p", "%10.3s"} {
			requireSilent(t, name+" "+verb, fmt.Sprintf(verb, v))
		}
		requireSilent(t, name+" Sprint", fmt.Sprint(v)+fmt.Sprintln(v))
		requireSilent(t, name+" error", fmt.Errorf("login: %v", v).Error())
		if b, err := json.Marshal(v); err == nil {
			requireSilent(t, name+" json", string(b))
		}
		var b bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
			log := slog.New(handler)
			log.Info("login", "value", v, slog.Group("g", "value", v))
			log.Error("login", "err", errors.Join(fmt.Errorf("with %v", v)))
		}
		requireSilent(t, name+" slog", b.String())
	}
	require.Equal(t, "[redacted]", fmt.Sprint(h.Exported))
	require.Equal(t, "[redacted]", fmt.Sprintf("%#v", h.Exported))
	b, err := json.Marshal(h.Exported)
	require.NoError(t, err)
	require.Equal(t, `"[redacted]"`, string(b))
	require.Equal(t, plain, h.Exported.Reveal())
}

// requireSilent looks for the plain text in every way that a verb may write it.
func requireSilent(t *testing.T, what, printed string) {
	t.Helper()
	for _, form := range []string{"%s", "%x", "%X", "%v", "%d"} {
		for _, leak := range []string{fmt.Sprintf(form, plain), fmt.Sprintf(form, []byte(plain))} {
			require.NotContains(t, printed, leak, what)
		}
	}
}

func TestTextCompares(t *testing.T) {
	a, b := secret.New(plain), secret.New(plain)
	require.True(t, a.Equal(b))
	require.False(t, a.Equal(secret.New(plain+"x")))
	require.False(t, a.Equal(secret.Text{}))
	require.True(t, secret.New("").Equal(secret.Text{}))
	require.True(t, secret.New("").Empty())
	require.Empty(t, secret.Text{}.Reveal())
	require.False(t, a.Empty())
}
