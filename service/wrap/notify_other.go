//go:build !unix

package wrap

import "errors"

type notifySocket struct{ path string }

func listenNotify(string, func(notice)) (*notifySocket, error) { return nil, errors.ErrUnsupported }

func (*notifySocket) settle() {}

func (*notifySocket) close() {}
