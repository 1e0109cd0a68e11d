package wrap_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-dev/holdfast/service/wrap"
	"github.com/holdfast-dev/holdfast/test/wait"
)

// A command that has ended is not ready, even if the condition holds and its end is not known yet. On
// a busy machine, a program that went to the background was ready for a moment.
func TestACommandThatHasEndedIsNotReady(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	pid, begin, known, err := wrap.AwaitEnded(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the command has ended", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	result := begin()
	select {
	case err := <-result:
		known()
		t.Fatalf("its end is not known, and the answer is %v", err)
	case <-time.After(500 * time.Millisecond): // a wrong answer takes a few milliseconds
	}
	known()
	if err := wait.For(t, "an answer", result); err == nil {
		t.Error("it is ready")
	}
}
