//go:build !linux

package proc

import "errors"

func statOf(int) (Stat, error) { return Stat{}, errors.ErrUnsupported }

func parent(int) int { return 0 }

func threads(int) ([]int, error) { return nil, errors.ErrUnsupported }

func children(int, int) ([]int, error) { return nil, errors.ErrUnsupported }
