package cli_test

import (
	"context"
	"errors"

	"github.com/holdfast-dev/holdfast/service/cli"
)

// lookups knows p.accounts, and fails for "broken".
func (p *place) lookups() cli.Accounts {
	find := func(name string) (string, error) {
		if name == "broken" {
			return "", errors.New("no answer")
		}
		id, ok := p.accounts[name]
		if !ok {
			return "", cli.ErrNoAccount
		}
		return id, nil
	}
	return cli.Accounts{
		User: func(_ context.Context, name string) (string, []string, error) {
			id, err := find(name)
			return id, []string{id}, err
		},
		Group: func(_ context.Context, name string) (string, error) { return find(name) },
	}
}
