// Package app is the composition root: configuration, table, keys, clock and services,
// put together once per process and handed to the operations.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"mandate/shared/api"
	"mandate/shared/config"
	"mandate/shared/directory"
	"mandate/shared/oauth1"
	"mandate/shared/policy"
	"mandate/shared/revocation"
	"mandate/shared/rotation"
	"mandate/shared/secret"
	"mandate/shared/store"
	"mandate/shared/store/author"
	"mandate/shared/store/dry"
	"mandate/shared/store/meter"
	"mandate/shared/store/retry"
	"mandate/shared/sweep"
	"mandate/shared/token"
	"mandate/shared/trust"
)

// App is everything that operations are made of.
type App struct {
	Config    config.Config
	Table     store.Table
	Registry  *directory.Registry
	Directory *directory.Directory
	Trusts    *trust.Service
	OAuth1    *oauth1.Service
	Tokens    *token.Service
	Sweeper   *sweep.Sweeper
	Events    *revocation.Log
	Rings     *secret.Rings // what seals tokens and secrets, and the sessions of people
	Rotation  *rotation.Rotation
	API       *api.Server
	Now       func() time.Time
	Log       *slog.Logger
}

// Parts are what an App is put together from.
type Parts struct {
	Config  config.Config
	Table   store.Table      // an engine; retries and metering are put around it
	Wrapper secret.Wrapper   // protects the keyset in the table
	Hasher  directory.Hasher // nil: one for this machine's cores

	// Existing fails with secret.ErrNoKeyset in a table without a keyset, instead of making it.
	Existing bool

	Now     func() time.Time
	Log     *slog.Logger
	Abreast int // entries of lists that a sweep follows side by side; 0: 16
}

// New puts an App together: it reads the sealing keys, or creates them in an empty table.
func New(ctx context.Context, p Parts) (*App, error) {
	if p.Now == nil {
		p.Now = time.Now
	}
	table := store.Marked(dry.New(author.New(retry.New(meter.New(p.Table), retry.Options{}), p.Now)))
	rings, err := secret.OpenRings(ctx, secret.RingsOptions{Table: table, Wrapper: p.Wrapper, Now: p.Now, Existing: p.Existing})
	if err != nil {
		return nil, fmt.Errorf("open the sealing keys: %w", err)
	}
	rules, err := policy.New(p.Config.PolicyPreset)
	if err != nil {
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	hasher := p.Hasher
	if hasher == nil {
		hasher = secret.NewHasher()
	}
	registry := directory.NewRegistry(table)
	trusts := trust.New(trust.Options{
		Table: table, Registry: registry, Now: p.Now, MaxRedelegation: p.Config.MaxRedelegationCount,
	})
	delegations := oauth1.New(oauth1.Options{
		Table: table, Registry: registry, Rings: rings, Now: p.Now,
		Settings: oauth1.Settings{
			RequestLife: p.Config.RequestTokenExpiration, AccessLife: p.Config.AccessTokenExpiration,
			Plaintext: p.Config.AllowPlaintext, Repeats: p.Config.AllowRepeats,
		},
	})
	people := directory.New(directory.Options{Table: table, Registry: registry, Hasher: hasher, Rings: rings, Now: p.Now})
	tokens := token.New(token.Options{
		Table: table, Sealer: token.NewSealer(rings), Registry: registry, Trusts: trusts, OAuth1: delegations, Hasher: hasher, Groups: people, Now: p.Now,
		Settings: token.Settings{
			Life: p.Config.TokenExpiration, Window: p.Config.AllowExpiredWindow, AllowRescope: p.Config.AllowRescopeScopedToken,
			PerUser:    token.Bound{Attempts: p.Config.LockoutFailureAttempts, Duration: p.Config.LockoutDuration},
			PerAddress: token.Bound{Attempts: p.Config.AddressFailureAttempts, Duration: p.Config.AddressFailureDuration},
		},
	})
	pages, _ := p.Table.(store.Pages)
	sweeper := sweep.New(sweep.Options{
		Table: table, Pages: pages, Trusts: trusts, OAuth1: delegations, Directory: people, Tokens: tokens, Now: p.Now, Log: p.Log,
		Abreast: p.Abreast,
	})
	return &App{
		Config: p.Config, Table: table, Registry: registry, Trusts: trusts, OAuth1: delegations, Tokens: tokens, Now: p.Now, Log: p.Log,
		Directory: people, Events: revocation.NewLog(table, p.Now, p.Config.TokenExpiration),
		Sweeper: sweeper, Rings: rings,
		Rotation: rotation.New(rotation.Options{
			Table: table, Rings: rings, Now: p.Now, Log: p.Log,
			Period: p.Config.KeyRotationPeriod, Life: p.Config.TokenExpiration + p.Config.AllowExpiredWindow,
			Walks: []rotation.Named{{Name: "credentials", Walk: people}, {Name: "oauth1", Walk: delegations}},
		}),
		API: &api.Server{
			Table: table, Tokens: tokens, Policy: rules, Now: p.Now, PublicURL: p.Config.PublicURL, Log: p.Log, Namespace: p.Config.MetricsNamespace,
			Ends: func(ctx context.Context, changes []store.Change) (any, error) { return sweeper.Ends(ctx, changes) },
		},
	}, nil
}
