package etcd

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The reasons for which a candidate waits or a term ends. An error of this package wraps the
// reason and what etcd's client said.
var (
	ErrUnreachable = errors.New("etcd cannot be reached")
	ErrNoAnswer    = errors.New("etcd does not answer: it is down, cut off or slow, or most of its members are")
	ErrNoLeader    = errors.New("etcd has no leader: most of its members are down or cut off")
	ErrTLS         = errors.New("the TLS handshake with etcd fails: see ca_file, cert_file and key_file, and the names in etcd's certificate")
	ErrRefused     = errors.New("etcd refuses the user: see user and password_file, and the roles that etcd gives that user")
	ErrNoSpace     = errors.New("etcd has no space left (NOSPACE) and takes no new candidates: compact and defragment it, then run `etcdctl alarm disarm`")
	ErrCorrupt     = errors.New("etcd's members disagree (CORRUPT): replace the member that differs, then run `etcdctl alarm disarm`")
	ErrRemoved     = errors.New("etcd's member has stopped or was removed from its cluster: see endpoints")
)

// reasons are tried in their order.
var reasons = []struct {
	reason error
	signs  []error
}{
	{ErrNoSpace, []error{rpctypes.ErrNoSpace}},
	{ErrCorrupt, []error{rpctypes.ErrCorrupt}},
	{ErrRefused, []error{
		rpctypes.ErrAuthFailed, rpctypes.ErrPermissionDenied, rpctypes.ErrInvalidAuthToken, rpctypes.ErrAuthOldRevision,
		rpctypes.ErrUserEmpty, rpctypes.ErrUserNotFound,
	}},
	{ErrNoLeader, []error{rpctypes.ErrNoLeader, rpctypes.ErrLeaderChanged, rpctypes.ErrTimeoutDueToLeaderFail}},
	{ErrRemoved, []error{rpctypes.ErrStopped, rpctypes.ErrMemberNotFound}},
	{ErrNoAnswer, []error{
		rpctypes.ErrTimeout, rpctypes.ErrTimeoutDueToConnectionLost, rpctypes.ErrTimeoutWaitAppliedIndex, rpctypes.ErrTooManyRequests,
		rpctypes.ErrUnhealthy, context.DeadlineExceeded,
	}},
}

// explain puts the reason before an error of etcd's client. handshake is the last handshake's
// error, which the client does not tell.
func explain(err, handshake error) error {
	if err == nil {
		return nil
	}
	for _, r := range reasons {
		for _, sign := range r.signs {
			if !errors.Is(err, sign) {
				continue
			}
			if errors.Is(r.reason, ErrNoAnswer) && handshake != nil {
				return fmt.Errorf("%w: %w", ErrTLS, handshake)
			}
			return fmt.Errorf("%w: %w", r.reason, err)
		}
	}
	switch code := codeOf(err); {
	case (code == codes.Unavailable || code == codes.DeadlineExceeded) && handshake != nil:
		return fmt.Errorf("%w: %w", ErrTLS, handshake)
	case code == codes.Unavailable:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case code == codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	case code == codes.Unauthenticated || code == codes.PermissionDenied:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// codeOf returns the code of gRPC that err wraps, or codes.Unknown.
func codeOf(err error) codes.Code {
	var of interface{ Code() codes.Code } // rpctypes.EtcdError
	if errors.As(err, &of) {
		return of.Code()
	}
	return status.Code(err)
}

func isLeaseNotFound(err error) bool { return errors.Is(err, rpctypes.ErrLeaseNotFound) }
