package wrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// A probe asks from outside how a command is. All conditions that are set have to hold.
type probe struct {
	TCP, Unix, HTTP string
	Status          int
	File            string
	Command         []string
	Timeout         time.Duration
}

func (r Ready) probe() probe {
	return probe{r.TCP, r.Unix, r.HTTP, r.Status, r.File, r.Command, r.Timeout}
}

func (h Health) probe() probe {
	return probe{h.TCP, h.Unix, h.HTTP, h.Status, h.File, h.Command, h.Timeout}
}

// none reports whether r has no condition.
func (r Ready) none() bool { return r.probe().empty() && r.Log == "" && !r.Notify && r.Delay == 0 }

func (p probe) empty() bool {
	return p.TCP == "" && p.Unix == "" && p.HTTP == "" && p.File == "" && len(p.Command) == 0
}

// ask makes one attempt, within Timeout. The file must not be the one of found, unchanged.
func (p probe) ask(ctx context.Context, found os.FileInfo, run func(context.Context, []string) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.Timeout, fmt.Errorf("no answer within %v", p.Timeout))
	defer cancel()
	var errs []error
	for _, where := range []struct{ network, address string }{{"tcp", p.TCP}, {"unix", p.Unix}} {
		if where.address != "" {
			errs = append(errs, connect(ctx, where.network, where.address))
		}
	}
	if p.HTTP != "" {
		errs = append(errs, get(ctx, http.MethodGet, p.HTTP, p.Status))
	}
	if p.File != "" {
		errs = append(errs, there(p.File, found))
	}
	if len(p.Command) > 0 {
		errs = append(errs, run(ctx, p.Command))
	}
	return errors.Join(errs...)
}

func connect(ctx context.Context, network, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", address, causeOf(ctx, err))
	}
	return conn.Close()
}

// mostBody limits how much of an answer is read. The content is ignored, but the server wants to send it.
const mostBody = 64 << 10

// get makes one HTTP call. It succeeds if the answer has that status, or, if status is 0, one from
// 200 to 399. It does not follow redirections.
func get(ctx context.Context, method, url string, status int) error {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true} // without a proxy
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if err != nil {
		return causeOf(ctx, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, mostBody))
	if status == 0 && answer.StatusCode >= 200 && answer.StatusCode < 400 || status == answer.StatusCode {
		return nil
	}
	return fmt.Errorf("%s %s: %s", method, request.URL.Redacted(), answer.Status)
}

// causeOf returns the cause of ctx if ctx has ended, which has caused err, or else err.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// there returns an error unless the file exists and has been created or changed since the start.
// found describes it before the start; nil: there was none.
func there(path string, found os.FileInfo) error {
	info, err := os.Stat(path)
	if err == nil && found != nil && os.SameFile(found, info) && info.ModTime().Equal(found.ModTime()) && info.Size() == found.Size() {
		err = fmt.Errorf("%s has not changed since before the start: it is of %v", path, info.ModTime().Format(time.RFC3339))
	}
	return err
}

// The first attempt is repeated after firstPause. Each pause is twice as long as the one before, up to
// longestPause.
const (
	firstPause   = 2 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

// until repeats ask until it succeeds. If ctx ends before, until returns the last error.
func (p probe) until(ctx context.Context, found os.FileInfo, run func(context.Context, []string) error) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := p.ask(ctx, found, run)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}
